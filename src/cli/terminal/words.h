/* A line of the terminal taken apart into commands and their words. */
#ifndef CLI_TERMINAL_WORDS_H
#define CLI_TERMINAL_WORDS_H

#include "../options.h"
#include "ispflash/error.h"

/* Appends the words of the first command of `*rest` and moves `*rest` behind it; no words: a blank
 * or a comment, which takes the rest of the line.
 *
 * Blanks separate words, except in quotes and behind a backslash; a semicolon at the end of a word,
 * or standing alone, ends the command. Quotes and backslashes stay in the word, since data needs
 * them, but for a backslash before a blank. STATUS_USAGE: the line ends within quotes. */
MUST_USE enum status words_next(const char **rest, struct text_list *words, struct error *e);

/* The word as the name of a file, a part or a setting: without its quotes. The caller frees it;
 * NULL when memory is exhausted. */
char *word_plain(const char *word);

#endif
