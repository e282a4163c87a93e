/* Who holds a device: what /proc shows of the processes we may look into. */
#include "link.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool holds(const char *process, uint64_t device)
{
    char folder[64];
    (void)snprintf(folder, sizeof folder, "/proc/%.16s/fd", process);
    DIR *files = opendir(folder);
    if (files == NULL)
        return false; /* another user's, or gone */
    bool found = false;
    const struct dirent *file;
    while (!found && (file = readdir(files)) != NULL) {
        char path[128];
        struct stat info;
        (void)snprintf(path, sizeof path, "%s/%.32s", folder, file->d_name);
        found = stat(path, &info) == 0 && S_ISCHR(info.st_mode) && (uint64_t)info.st_rdev == device;
    }
    (void)closedir(files);
    return found;
}

static void describe(const char *process, char *out, size_t capacity)
{
    char path[64];
    char name[64] = "";
    (void)snprintf(path, sizeof path, "/proc/%.16s/comm", process);
    FILE *file = fopen(path, "r");
    if (file != NULL) {
        if (fgets(name, sizeof name, file) == NULL)
            name[0] = '\0';
        (void)fclose(file);
    }
    name[strcspn(name, "\n")] = '\0';
    if (name[0] != '\0')
        (void)snprintf(out, capacity, "%s (process %s)", name, process);
    else
        (void)snprintf(out, capacity, "process %s", process);
}

bool holder_find(uint64_t device, char *out, size_t capacity)
{
    DIR *processes = opendir("/proc");
    if (device == 0 || processes == NULL) {
        if (processes != NULL)
            (void)closedir(processes);
        return false;
    }
    char self[24];
    (void)snprintf(self, sizeof self, "%ld", (long)getpid());
    bool found = false;
    const struct dirent *process;
    while (!found && (process = readdir(processes)) != NULL) {
        if (!isdigit((unsigned char)process->d_name[0]) || strcmp(process->d_name, self) == 0)
            continue;
        found = holds(process->d_name, device);
        if (found)
            describe(process->d_name, out, capacity);
    }
    (void)closedir(processes);
    return found;
}
