/* With --json, what `-` would send to standard output is a value event instead. */
#include "answer.h"

#include <stdlib.h>
#include <string.h>

static enum status emit(const struct answer *a, struct context *json, struct error *e)
{
    if (a->format == FORMAT_RAW) {
        context_value(json, a->name, NULL, a->data, a->size);
        return STATUS_OK;
    }
    char *text = malloc(a->size + 1);
    if (text == NULL)
        return error_set(e, STATUS_NO_MEMORY, "no memory for the answer");
    memcpy(text, a->data, a->size);
    text[a->size] = '\0';
    context_value(json, a->name, text, a->numbers, a->number_count);
    free(text);
    return STATUS_OK;
}

enum status answer_commit(const struct answer *a, struct output *output, const char *file,
                          struct context *json, struct error *e)
{
    if (json != NULL && strcmp(file, "-") == 0)
        return emit(a, json, e);
    return output_commit(output, a->data, a->size, e);
}
