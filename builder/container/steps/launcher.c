/* Starts the host's clang as a compiler for this container's architecture. Build systems call it `cc` or `c++`; clang
 * takes its target from its own name, which is given here: no flag that a build system could lose or refuse.
 *
 * OpenMP is GCC's affair: its libgomp is what the target has, clang would ask for another library, and a build that finds
 * none goes on without a word. So what is compiled or linked with -fopenmp goes to the container's own, emulated GCC.
 *
 * GCC calls the sized `operator delete` of C++14 and clang before 19 does not; asked for it, both need the same symbols. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    static char name[256];
    const char *triple = getenv("LAYERWRIGHT_TRIPLE");
    const char *base = strrchr(argv[0], '/');

    char **arguments = malloc((size_t)(argc + 2) * sizeof *arguments);
    int at = 0, plus, number;

    if (!arguments)
        return 127;
    base = base ? base + 1 : argv[0];
    plus = strstr(base, "++") != NULL;
    for (number = 1; number < argc; number++) {
        if (strcmp(argv[number], "-fopenmp") == 0) {
            argv[0] = plus ? "g++" : "gcc";
            execvp(argv[0], argv);
            perror(argv[0]);
            return 127;
        }
    }
    snprintf(name, sizeof name, "/native/bin/%s-clang%s", triple ? triple : TRIPLE, plus ? "++" : "");
    arguments[at++] = name;
    if (plus)
        arguments[at++] = "-fsized-deallocation";
    memcpy(arguments + at, argv + 1, (size_t)argc * sizeof *arguments); /* with the null pointer at its end */
    execv("/native/bin/clang", arguments);
    perror("/native/bin/clang");
    return 127;
}
