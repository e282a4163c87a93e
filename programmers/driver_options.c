#include "driver_options.h"

#include <stdio.h>
#include <string.h>

#include "core/nearest.h"

void driver_options_hint(struct error *e, const char *names)
{
    error_hint(e, "it takes %s; -x help explains them", names);
}

/* The name is the first `size` characters of `text`. */
static enum status option_unknown(const struct driver_option *options, size_t count,
                                  const char *text, size_t size, struct error *e)
{
    char name[32], names[160] = "";
    size_t used = 0;
    struct nearest nearest;
    (void)error_set(e, STATUS_USAGE, "unknown option");
    (void)snprintf(name, sizeof name, "%.*s", (int)(size < sizeof name ? size : 0), text);
    nearest_begin(&nearest, name);
    for (size_t i = 0; i < count; i++) {
        nearest_offer(&nearest, options[i].name);
        if (used < sizeof names)
            used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i > 0 ? ", " : "",
                                     options[i].name);
    }
    nearest_hint(&nearest, e);
    driver_options_hint(e, names);
    return e->code;
}

static enum status option_take(const struct driver_option *options, size_t count, const char *text,
                               void *into, struct error *e)
{
    const size_t size = strcspn(text, "=");
    const char *value = text[size] == '=' ? text + size + 1 : NULL;
    for (size_t i = 0; i < count; i++) {
        if (strlen(options[i].name) != size || strncmp(options[i].name, text, size) != 0)
            continue;
        if (options[i].wants_value && (value == NULL || value[0] == '\0'))
            return error_set(e, STATUS_USAGE, "needs a value");
        if (!options[i].wants_value && value != NULL)
            return error_set(e, STATUS_USAGE, "takes no value");
        return options[i].parse(into, value, e);
    }
    return option_unknown(options, count, text, size, e);
}

enum status driver_options_parse(const struct programmer_config *config,
                                 const struct driver_option *options, size_t count, void *into,
                                 struct error *e)
{
    for (size_t i = 0; i < config->option_count; i++) {
        if (option_take(options, count, config->options[i], into, e) != STATUS_OK)
            return error_in(e, "-x %s", config->options[i]);
    }
    return STATUS_OK;
}
