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
    const char *memories;    /* the list that the file is for, as typed; NULL: one memory */
    const struct part *part; /* whose memories `images` are */
    struct image *images[MEMORY_LIST_MAX]; /* owned; one a memory of the part, or NULL */
};

/* `name` (as messages call it) and `file` are borrowed for the source's life. */
void file_source_init(struct file_source *s, const char *name, const char *file, enum format format,
                      unsigned allow);
/* The same for a file with several memories; `memories` is borrowed. */
void file_source_init_list(struct file_source *s, const char *name, const char *file,
                           enum format format, unsigned allow, const char *memories);
void file_source_free(struct file_source *s);

/* The file of a read; it appears under its name when it is complete. */
struct file_destination {
    struct destination destination; /* first */
    const char *file;
    enum format format;
    struct output *output;                     /* owned, from prepare() to store() or finish() */
    struct memory_image list[MEMORY_LIST_MAX]; /* of several memories: what was stored so far */
    struct image *images[MEMORY_LIST_MAX];     /* owned; the list's */
    size_t count;
    bool json; /* "-" is a value event; false from init on */
};

void file_destination_init(struct file_destination *d, const char *file, enum format format);
/* The same for several memories in one file, written when the last of them is there. */
void file_destination_init_list(struct file_destination *d, const char *file, enum format format);
void file_destination_free(struct file_destination *d);

/* -n: all that would have been written, as Intel HEX on standard output. */
struct dry_destination {
    struct destination destination; /* first */
    bool json;                      /* as value events */
};

void dry_destination_init(struct dry_destination *d, bool json);

#endif
