/* The terminal's words. */
#include "words.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static bool is_blank(char c)
{
    return isspace((unsigned char)c) != 0;
}

static enum status no_memory(struct error *e)
{
    return error_set(e, STATUS_NO_MEMORY, "no memory for the command");
}

/* Copies one word to `out`, which is as long as the line; returns what is behind it, NULL within
 * quotes that do not end. */
static const char *copy_word(const char *at, char *out)
{
    char quote = '\0';
    for (; *at != '\0' && (quote != '\0' || !is_blank(*at)); at++) {
        if (*at == '\\' && at[1] != '\0') {
            if (quote != '\0' || !is_blank(at[1]))
                *out++ = *at;
            at++;
        } else if (quote == '\0' && (*at == '"' || *at == '\'')) {
            quote = *at;
        } else if (*at == quote) {
            quote = '\0';
        }
        *out++ = *at;
    }
    *out = '\0';
    return quote == '\0' ? at : NULL;
}

/* Where the command ends behind this word, its semicolon is taken off. */
static bool ends_command(char *word)
{
    const size_t length = strlen(word);
    if (length == 0 || word[length - 1] != ';' || (length > 1 && word[length - 2] == '\\'))
        return false;
    word[length - 1] = '\0';
    return true;
}

static enum status take_words(const char **rest, char *word, struct text_list *words,
                              struct error *e)
{
    const char *at = *rest;
    for (bool end = false; !end;) {
        while (is_blank(*at))
            at++;
        if (*at == '#' || *at == '\0')
            at += strlen(at);
        if (*at == '\0')
            break;
        const char *begin = at;
        at = copy_word(at, word);
        if (at == NULL)
            return error_set(e, STATUS_USAGE, "the line ends in the middle of a quoted string: %s",
                             begin);
        end = ends_command(word);
        if (word[0] != '\0')
            TRY(text_list_add(words, word, strlen(word), e));
    }
    *rest = at;
    return STATUS_OK;
}

enum status words_next(const char **rest, struct text_list *words, struct error *e)
{
    char *word = malloc(strlen(*rest) + 1);
    if (word == NULL)
        return no_memory(e);
    const enum status status = take_words(rest, word, words, e);
    free(word);
    return status;
}

char *word_plain(const char *word)
{
    char *plain = malloc(strlen(word) + 1), *out = plain, quote = '\0';
    for (; plain != NULL && *word != '\0'; word++) {
        if (quote == '\0' && (*word == '"' || *word == '\''))
            quote = *word;
        else if (*word == quote)
            quote = '\0';
        else
            *out++ = *word;
    }
    if (plain != NULL)
        *out = '\0';
    return plain;
}
