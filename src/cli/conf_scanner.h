/* The words of an avrdude.conf: `#` and C comments, strings in double quotes, words, single marks.
 */
#ifndef CLI_CONF_SCANNER_H
#define CLI_CONF_SCANNER_H

#include <stdbool.h>

enum { CONF_TOKEN_SIZE = 256 };

enum conf_token { CONF_END, CONF_WORD, CONF_STRING, CONF_MARK };

struct conf_scanner {
    const char *at, *end;
    enum conf_token kind;
    char text[CONF_TOKEN_SIZE]; /* cut if longer: no value of ours is */
};

void conf_scan(struct conf_scanner *s);
bool conf_at_mark(const struct conf_scanner *s, char mark);
bool conf_at_word(const struct conf_scanner *s, const char *word);
/* To the semicolon that ends the statement. */
void conf_skip_statement(struct conf_scanner *s);

#endif
