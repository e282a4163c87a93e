/* The node of a device that has just been plugged in. */
#include <libgen.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include "link.h"

enum { NEW_S = 2 /* a node this young may still be unsettled */ };

bool node_is_new(const char *path)
{
    struct stat info;
    char folder[512];
    (void)snprintf(folder, sizeof folder, "%s", path);
    if (stat(path, &info) != 0 && stat(dirname(folder), &info) != 0)
        return false;
    const time_t now = time(NULL);
    return info.st_ctime <= now && now - info.st_ctime < NEW_S;
}
