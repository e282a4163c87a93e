/* The process: its streams, environment, terminal and signals. Nothing else looks there. */
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli.h"
#include "signals.h"

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* A terminal that says it is dumb takes no escape sequences. */
static bool is_terminal(int fd)
{
    const char *term = getenv("TERM");
    return isatty(fd) != 0 && term != NULL && term[0] != '\0' && strcmp(term, "dumb") != 0;
}

static struct winsize terminal_size(int fd)
{
    struct winsize size;
    return ioctl(fd, TIOCGWINSZ, &size) == 0 ? size : (struct winsize){0};
}

static const char *variable(const char *name)
{
    return getenv(name);
}

/* What the user's locale says, without taking it on: the program's own text is English. */
static bool takes_utf8(void)
{
    const locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
    if (locale == (locale_t)0)
        return false;
    const bool utf8 = strcmp(nl_langinfo_l(CODESET, locale), "UTF-8") == 0;
    freelocale(locale);
    return utf8;
}

int main(int argc, char **argv)
{
    (void)setlocale(LC_CTYPE, ""); /* for the line editor: what a character is */
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    const struct winsize size = terminal_size(STDERR_FILENO);
    const struct surroundings around = {
        .program = argc > 0 ? base_name(argv[0]) : "ispflash",
        .results = stdout,
        .talk = stderr,
        .input = stdin,
        .input_is_terminal = isatty(STDIN_FILENO) != 0,
        .results_are_terminal = is_terminal(STDOUT_FILENO),
        .can_ask = isatty(STDIN_FILENO) != 0 && isatty(STDERR_FILENO) != 0,
        .talk_is_terminal = is_terminal(STDERR_FILENO),
        .columns = size.ws_col,
        .rows = size.ws_row,
        .utf8 = takes_utf8(),
        .home = getenv("HOME"),
        .config_home = getenv("XDG_CONFIG_HOME"),
        .no_color = getenv("NO_COLOR"),
        .force_color = getenv("CLICOLOR_FORCE"),
        .variable = variable,
        .cancel = signals_catch(),
        .forget_interrupt = signals_forget_interrupt,
    };
    return cli_main(&around, argc, argv);
}
