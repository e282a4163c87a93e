/* Files: read as a whole, written whole or not at all. */
#include "ispflash/format.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* No image for a chip comes near; an endless device must not fill the memory. */
enum { FILE_SIZE_MAX = 64 * 1024 * 1024 };

static enum status read_failed(const char *path, int code, struct error *e)
{
    switch (code) {
    case ENOENT:
        return error_set(e, STATUS_INPUT, "%s: no such file", path);
    case ENOTDIR:
        return error_set(e, STATUS_INPUT, "%s: part of the path is not a directory", path);
    case EACCES:
    case EPERM:
        return error_set(e, STATUS_INPUT, "%s: may not be read (permission denied)", path);
    case EISDIR:
        return error_set(e, STATUS_INPUT, "%s: is a directory", path);
    case EINTR:
        return error_set(e, STATUS_CANCELLED, "%s: interrupted while reading", path);
    default:
        return error_set(e, STATUS_INPUT, "%s: cannot be read: %s", path, strerror(code));
    }
}

/* Reads to the end of `fd`. On failure nothing is left to free. */
static enum status read_all(int fd, const char *path, uint8_t **data, size_t *size, struct error *e)
{
    size_t capacity = 64 * 1024, used = 0;
    uint8_t *buffer = malloc(capacity);
    for (;;) {
        if (buffer == NULL)
            return error_set(e, STATUS_NO_MEMORY, "%s: out of memory", path);
        const ssize_t got = read(fd, buffer + used, capacity - used);
        if (got < 0) {
            const int code = errno;
            free(buffer);
            return read_failed(path, code, e);
        }
        if (got == 0)
            break;
        used += (size_t)got;
        if (used > FILE_SIZE_MAX) {
            free(buffer);
            return error_set(e, STATUS_INPUT, "%s: longer than %d MiB, no image for a chip", path,
                             FILE_SIZE_MAX / (1024 * 1024));
        }
        if (used == capacity) {
            uint8_t *larger = realloc(buffer, 2 * capacity);
            if (larger == NULL)
                free(buffer);
            buffer = larger;
            capacity *= 2;
        }
    }
    if (used == 0) {
        free(buffer);
        return error_set(e, STATUS_INPUT, "%s: empty", path);
    }
    *data = buffer;
    *size = used;
    return STATUS_OK;
}

enum status file_read(const char *path, uint8_t **data, size_t *size, struct error *e)
{
    if (strcmp(path, "-") == 0)
        return read_all(STDIN_FILENO, "standard input", data, size, e);
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return read_failed(path, errno, e);
    const enum status status = read_all(fd, path, data, size, e);
    (void)close(fd);
    return status;
}

struct output {
    char *path;   /* as the user gave it, for messages */
    char *target; /* the file to appear, links resolved; NULL: `fd` is written in place */
    char *temporary;
    int fd;
    bool standard; /* `fd` is standard output, not ours to close */
};

static enum status write_failed(const char *path, int code, struct error *e)
{
    switch (code) {
    case ENOENT:
        return error_set(e, STATUS_OUTPUT, "%s: its directory does not exist", path);
    case ENOTDIR:
        return error_set(e, STATUS_OUTPUT, "%s: part of the path is not a directory", path);
    case EACCES:
    case EPERM:
        return error_set(e, STATUS_OUTPUT, "%s: may not be written (permission denied)", path);
    case EROFS:
        return error_set(e, STATUS_OUTPUT, "%s: the file system is read-only", path);
    case EISDIR:
        return error_set(e, STATUS_OUTPUT, "%s: is a directory", path);
    case ENOSPC:
    case EDQUOT:
        return error_set(e, STATUS_OUTPUT, "%s: no space left", path);
    case ENOMEM:
        return error_set(e, STATUS_NO_MEMORY, "%s: out of memory", path);
    default:
        return error_set(e, STATUS_OUTPUT, "%s: cannot be written: %s", path, strerror(code));
    }
}

/* The length of the directory part, with its slash; 0: the working directory. */
static size_t directory_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? 0 : (size_t)(slash - path) + 1;
}

/* "directory of path" + name, malloc'd; an absolute name stands for itself. NULL: no memory. */
static char *beside(const char *path, const char *name)
{
    const size_t length = name[0] == '/' ? 0 : directory_length(path);
    const size_t size = length + strlen(name) + 1;
    char *result = malloc(size);
    if (result != NULL)
        (void)snprintf(result, size, "%.*s%s", (int)length, path, name);
    return result;
}

/* Follows links from `path` to the file they mean, which need not exist. Returns an errno value. */
static int resolve_links(const char *path, char **target)
{
    char *at = strdup(path);
    for (int links = 0; at != NULL; links++) {
        char text[PATH_MAX];
        const ssize_t length = readlink(at, text, sizeof text - 1);
        if (length < 0) { /* not a link, or nothing there */
            *target = at;
            return 0;
        }
        if (links == 40) {
            free(at);
            return ELOOP;
        }
        text[length] = '\0';
        char *next = beside(at, text);
        free(at);
        at = next;
    }
    return ENOMEM;
}

/* Makes an empty file under a name of its own beside the target. Returns an errno value. */
static int make_temporary(struct output *o)
{
    for (unsigned attempt = 0; attempt < 1000; attempt++) {
        char name[64];
        (void)snprintf(name, sizeof name, ".ispflash-%ld-%u.tmp", (long)getpid(), attempt);
        o->temporary = beside(o->target, name);
        if (o->temporary == NULL)
            return ENOMEM;
        o->fd = open(o->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (o->fd >= 0)
            return 0;
        const int code = errno;
        free(o->temporary);
        o->temporary = NULL;
        if (code != EEXIST)
            return code;
    }
    return EEXIST;
}

/* Prepares to replace `o->path`, which is a regular file or absent. */
static int prepare_replacement(struct output *o, const struct stat *present)
{
    const int code = resolve_links(o->path, &o->target);
    if (code != 0)
        return code;
    if (present != NULL && access(o->target, W_OK) != 0)
        return errno; /* a rename would pass over a read-only file's wish */
    if (o->target[0] == '\0' || o->target[strlen(o->target) - 1] == '/')
        return o->target[0] == '\0' ? ENOENT : EISDIR;
    const int made = make_temporary(o);
    if (made != 0 || present == NULL)
        return made;
    /* Owner first, since a change of owner clears mode bits; only root can give files away. */
    const bool same_owner = fchown(o->fd, present->st_uid, present->st_gid) == 0;
    const mode_t mode = present->st_mode & (same_owner ? 07777 : 0777);
    return fchmod(o->fd, mode) == 0 ? 0 : errno;
}

static int prepare(struct output *o)
{
    if (strcmp(o->path, "-") == 0) {
        o->fd = STDOUT_FILENO;
        o->standard = true;
        return 0;
    }
    struct stat present;
    if (stat(o->path, &present) != 0)
        return errno == ENOENT ? prepare_replacement(o, NULL) : errno;
    if (S_ISDIR(present.st_mode))
        return EISDIR;
    if (S_ISREG(present.st_mode))
        return prepare_replacement(o, &present);
    o->fd = open(o->path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    return o->fd >= 0 ? 0 : errno;
}

enum status output_open(const char *path, struct output **out, struct error *e)
{
    struct output *o = calloc(1, sizeof *o);
    if (o == NULL)
        return write_failed(path, ENOMEM, e);
    o->fd = -1;
    o->path = strdup(path);
    const int code = o->path == NULL ? ENOMEM : prepare(o);
    if (code != 0) {
        output_close(o);
        return write_failed(path, code, e);
    }
    *out = o;
    return STATUS_OK;
}

static int write_all(int fd, const uint8_t *data, size_t size)
{
    while (size > 0) {
        const ssize_t written = write(fd, data, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return errno;
        data += written;
        size -= (size_t)written;
    }
    return 0;
}

/* Makes the new name survive a power cut; file systems that cannot say so by EINVAL, and the data
 * are complete either way. */
static void sync_directory(const char *path)
{
    char *directory = beside(path, ".");
    const int fd = directory != NULL ? open(directory, O_RDONLY | O_CLOEXEC) : -1;
    free(directory);
    if (fd < 0)
        return;
    (void)fsync(fd);
    (void)close(fd);
}

/* Writes `fd` out and gives the file its name. Returns an errno value. */
static int replace(struct output *o)
{
    if (fsync(o->fd) != 0)
        return errno;
    const int fd = o->fd;
    o->fd = -1;
    if (close(fd) != 0 && errno != EINTR)
        return errno;
    if (rename(o->temporary, o->target) != 0)
        return errno;
    free(o->temporary);
    o->temporary = NULL;
    sync_directory(o->target);
    return 0;
}

enum status output_commit(struct output *o, const uint8_t *data, size_t size, struct error *e)
{
    if (o->standard && fflush(stdout) != 0) /* what was printed before comes before */
        return write_failed("standard output", errno, e);
    int code = write_all(o->fd, data, size);
    if (code == 0 && o->target != NULL)
        code = replace(o);
    return code == 0 ? STATUS_OK : write_failed(o->standard ? "standard output" : o->path, code, e);
}

void output_close(struct output *o)
{
    if (o == NULL)
        return;
    if (o->fd >= 0 && !o->standard)
        (void)close(o->fd);
    if (o->temporary != NULL)
        (void)unlink(o->temporary);
    free(o->temporary);
    free(o->target);
    free(o->path);
    free(o);
}
