/* timed FILE COMMAND [ARGUMENT ...]: runs the command and writes "SECONDS KIB STATUS" to FILE: wall
 * time from start to exit, peak memory of the process, exit status. Exits with that status. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        (void)fputs("usage: timed FILE COMMAND [ARGUMENT ...]\n", stderr);
        return 2;
    }
    const double begin_s = now_s();
    const pid_t child = fork();
    if (child == 0) {
        (void)execvp(argv[2], argv + 2);
        (void)fprintf(stderr, "timed: %s: %s\n", argv[2], strerror(errno));
        _exit(127);
    }
    int status = 0;
    struct rusage usage;
    if (child < 0 || wait4(child, &status, 0, &usage) != child) {
        perror("timed");
        return 2;
    }
    const double elapsed_s = now_s() - begin_s;
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    FILE *out = fopen(argv[1], "w");
    if (out == NULL || fprintf(out, "%.3f %ld %d\n", elapsed_s, usage.ru_maxrss, code) < 0 ||
        fclose(out) != 0) {
        perror(argv[1]);
        return 2;
    }
    return code;
}
