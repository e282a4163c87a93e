/* The file that holds what is to be kept while the chip does not: Intel HEX by the GNU address map,
 * so that `ispflash restore` puts it back. It is there only from just before the erase until all is
 * verified, and a file of an earlier run is never overwritten. */
#include "rescue.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NUMBERS = 99 };

static bool exists(const char *path)
{
    struct stat info;
    return lstat(path, &info) == 0;
}

static enum status choose_own(struct file_rescue *f, struct error *e)
{
    (void)snprintf(f->path, sizeof f->path, "ispflash-rescue.hex");
    for (int i = 2; exists(f->path); i++) {
        if (i > NUMBERS)
            return error_set(e, STATUS_OUTPUT, "%d files ispflash-rescue-*.hex are here already",
                             NUMBERS);
        (void)snprintf(f->path, sizeof f->path, "ispflash-rescue-%d.hex", i);
    }
    return STATUS_OK;
}

static enum status choose_wanted(struct file_rescue *f, struct error *e)
{
    if (strlen(f->wanted) >= sizeof f->path)
        return error_set(e, STATUS_USAGE, "--rescue-file: a name of %zu characters at most",
                         sizeof f->path - 1);
    (void)strcpy(f->path, f->wanted);
    if (!exists(f->path))
        return STATUS_OK;
    (void)error_set(e, STATUS_OUTPUT, "--rescue-file %s: it exists already", f->path);
    error_hint(e, "it may hold what an earlier run could not put back");
    return STATUS_OUTPUT;
}

static enum status prepare(struct rescue *self, struct error *e)
{
    struct file_rescue *f = (struct file_rescue *)self;
    TRY(f->wanted != NULL ? choose_wanted(f, e) : choose_own(f, e));
    return output_open(f->path, &f->output, e);
}

static enum status save(struct rescue *self, const struct memory_image *list, size_t count,
                        struct error *e)
{
    struct file_rescue *f = (struct file_rescue *)self;
    uint8_t *data = NULL;
    size_t size = 0;
    enum status status = STATUS_OK;
    if (f->output == NULL) /* once more in the same run */
        status = output_open(f->path, &f->output, e);
    if (status == STATUS_OK)
        status = format_write_multi(FORMAT_IHEX, list, count, &data, &size, e);
    if (status == STATUS_OK)
        status = output_commit(f->output, data, size, e);
    free(data);
    output_close(f->output);
    f->output = NULL;
    return status;
}

static enum status discard(struct rescue *self, struct error *e)
{
    const struct file_rescue *f = (const struct file_rescue *)self;
    if (unlink(f->path) == 0 || errno == ENOENT)
        return STATUS_OK;
    return error_set(e, STATUS_OUTPUT, "%s: %s", f->path, strerror(errno));
}

void file_rescue_init(struct file_rescue *f, const char *wanted)
{
    *f = (struct file_rescue){.rescue = {.prepare = prepare, .save = save, .discard = discard},
                              .wanted = wanted};
    f->rescue.name = f->path;
}

void file_rescue_free(struct file_rescue *f)
{
    output_close(f->output);
    f->output = NULL;
}
