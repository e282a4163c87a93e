/* Files of images for the commands that need no chip: FILE[:FMT] to read, -o FILE[:FMT] to write.
 */
#ifndef CLI_IMAGE_FILE_H
#define CLI_IMAGE_FILE_H

#include "ispflash/context.h"
#include "ispflash/format.h"
#include "ispflash/image.h"

struct image_file {
    char *name; /* without :FMT; owned */
    struct image *image;
    enum format format; /* found or named */
};

/* `text` is FILE[:FMT]. `memory` (may be NULL) limits it. On success freed by image_file_free(). */
MUST_USE enum status image_file_read(const char *text, const struct memory *memory,
                                     struct context *c, struct image_file *out, struct error *e);
void image_file_free(struct image_file *file); /* takes a zeroed one */

/* The same for a whole chip: images[i] receives what the file has for part->memories[i], NULL where
 * there is nothing; the caller frees them. A format without addresses is flash alone. */
MUST_USE enum status image_file_read_all(const char *text, const struct part *part,
                                         struct context *c, struct image **images, struct error *e);

/* `text` is FILE[:FMT], Intel HEX unless said; NULL is STATUS_USAGE. `json` (may be NULL) is told
 * what standard output would get. */
MUST_USE enum status image_file_write(const char *text, const struct memory *memory,
                                      const struct image *image, struct context *json,
                                      struct error *e);

#endif
