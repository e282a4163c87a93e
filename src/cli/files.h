/* The files of -U as the session wants them: sources of bytes and destinations for them. */
#ifndef CLI_FILES_H
#define CLI_FILES_H

#include "ispflash/format.h"
#include "ispflash/session.h"

/* The file (or the data itself) of a write or verify. It is read once, when it is first needed. */
struct file_source {
    struct source source; /* first */
    const char *file;
    enum format format;
    unsigned allow; /* enum format_allowance */
    uint8_t *data;  /* owned */
    size_t size;
};

/* `name` (as messages call it) and `file` are borrowed for the source's life. */
void file_source_init(struct file_source *s, const char *name, const char *file, enum format format,
                      unsigned allow);
void file_source_free(struct file_source *s);

/* The file of a read; it appears under its name when it is complete. */
struct file_destination {
    struct destination destination; /* first */
    const char *file;
    enum format format;
    struct output *output; /* owned, from prepare() to store() */
};

void file_destination_init(struct file_destination *d, const char *file, enum format format);
void file_destination_free(struct file_destination *d);

/* -n: all that would have been written, as Intel HEX on standard output. */
void dry_destination_init(struct destination *d);

#endif
