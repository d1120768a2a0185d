/* Starts the host's clang as a compiler for this container's architecture. Build systems call it `cc` or `c++`; clang
 * takes its target from its own name, which is given here: no flag that a build system could lose or refuse.
 *
 * OpenMP is GCC's affair: its libgomp is what the target has, clang would ask for another library, and a build that finds
 * none goes on without a word. So what is linked with -fopenmp goes to the container's own, emulated GCC. What is compiled
 * with it is compiled by clang, and what that calls is added to the object in terms of libgomp: see openmp.c. A file that
 * needs more than this, or that clang refuses, is compiled by GCC.
 *
 * GCC calls the sized `operator delete` of C++14 and clang before 19 does not; asked for it, both need the same symbols. */
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define OPENMP "-fopenmp"

static const char *const CLANG = "/native/bin/clang", *const LINKER = "/native/bin/ld";
static const char *const RENAMER = "/native/bin/objcopy";

static int starts(const char *text, const char *prefix) { return strncmp(text, prefix, strlen(prefix)) == 0; }

static int has(char **argv, const char *option)
{
    while (*++argv)
        if (strcmp(*argv, option) == 0)
            return 1;
    return 0;
}

static int become(const char *program, char **argv)
{
    execvp(program, argv);
    perror(program);
    return 127;
}

/* Returns whether a program succeeds. */
static int succeeds(const char *program, char **argv)
{
    int status = 1;
    pid_t child = fork();

    if (child == 0)
        _exit(become(program, argv));
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

/* Returns where the one object goes that a call compiles to; NULL if it does something else than that. */
static char *object(char **argv)
{
    char *path = NULL;
    int compiles = 0;

    while (*++argv) {
        if (strcmp(*argv, "-c") == 0)
            compiles = 1;
        else if (strcmp(*argv, "-o") == 0)
            path = *++argv;
        else if (starts(*argv, "-flto") || strcmp(*argv, "-S") == 0 || strcmp(*argv, "-E") == 0)
            return NULL;
        if (!*argv)
            return NULL;
    }
    return compiles ? path : NULL;
}

/* Words for objcopy, which give the locks of critical regions the names that GCC gives them, without `.var` at their end:
 * where it compiles another file with such a region, both have the same lock. */
#define MOST_LOCKS 1000
static char *renaming[MOST_LOCKS + 3];
static int locks;

static int is_named_lock(const char *name)
{
    return starts(name, ".gomp_critical_user_") && strcmp(name, ".gomp_critical_user_.var") != 0 &&
           strcmp(name, ".gomp_critical_user_.reduction.var") != 0 && strlen(name) > 4 &&
           strcmp(name + strlen(name) - 4, ".var") == 0;
}

static void add_lock(const char *name)
{
    size_t length = strlen(name);
    char *word = malloc(2 * length + 32);

    if (word && locks < MOST_LOCKS) {
        sprintf(word, "--redefine-sym=%s=%.*s", name, (int)length - 4, name);
        renaming[1 + locks] = word;
    }
    locks++;
}

enum state { NO_OBJECT, LACKING, COMPLETE };

/* Returns whether an object calls something of LLVM's runtimes, and adds its locks to those that are renamed. */
static enum state look(const char *path)
{
    struct stat status;
    const char *data;
    const Elf64_Ehdr *header;
    const Elf64_Shdr *sections;
    enum state found = NO_OBJECT;
    Elf64_Xword number, count;
    int file = open(path, O_RDONLY);

    if (file < 0 || fstat(file, &status) || !S_ISREG(status.st_mode) || status.st_size < (off_t)sizeof *header)
        return NO_OBJECT; /* as /dev/null */
    data = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, file, 0);
    close(file);
    if (data == MAP_FAILED)
        return NO_OBJECT;
    header = (const Elf64_Ehdr *)data;
    if (memcmp(data, ELFMAG, SELFMAG) == 0 && data[EI_CLASS] == ELFCLASS64 && header->e_type == ET_REL) {
        sections = (const Elf64_Shdr *)(data + header->e_shoff);
        count = header->e_shnum || !header->e_shoff ? header->e_shnum : sections[0].sh_size; /* 65,280 and more */
        for (number = 0; number < count; number++) {
            const Elf64_Shdr *section = &sections[number];
            const Elf64_Sym *symbol = (const Elf64_Sym *)(data + section->sh_offset);
            const Elf64_Sym *end = (const Elf64_Sym *)(data + section->sh_offset + section->sh_size);
            const char *names;

            if (section->sh_type != SHT_SYMTAB)
                continue;
            found = COMPLETE;
            names = data + sections[section->sh_link].sh_offset;
            for (; symbol < end; symbol++) {
                const char *name = names + symbol->st_name;

                if (symbol->st_shndx == SHN_UNDEF && (starts(name, "__kmp") || starts(name, "__tgt_")))
                    found = LACKING;
                if (is_named_lock(name))
                    add_lock(name);
            }
        }
    }
    munmap((void *)data, (size_t)status.st_size);
    return found;
}

/* Returns whether an object is complete once it has what stands in openmp.c. */
static int completed(char *path)
{
    char part[4096];
    char *link[] = {"ld.lld", "-r", "-o", part, path, "/native/openmp/openmp.o", NULL};

    enum state state = look(path);
    int found = locks;

    if (state == NO_OBJECT || (state == COMPLETE && !found))
        return state == COMPLETE;
    if (found > MOST_LOCKS || snprintf(part, sizeof part, "%s.openmp", path) >= (int)sizeof part)
        return 0;
    renaming[0] = "objcopy";
    renaming[1 + found] = part;
    if (succeeds(LINKER, link) && (!found || succeeds(RENAMER, renaming)) && look(part) == COMPLETE &&
        locks == found && rename(part, path) == 0)
        return 1;
    unlink(part);
    return 0;
}

int main(int argc, char **argv)
{
    static char name[256];
    const char *triple = getenv("LAYERWRIGHT_TRIPLE");
    const char *base = strrchr(argv[0], '/');
    char **arguments = malloc((size_t)(argc + 4) * sizeof *arguments);
    char *path;
    int at = 0, number, plus, parallel = has(argv, OPENMP);

    if (!arguments)
        return 127;
    base = base ? base + 1 : argv[0];
    plus = strstr(base, "++") != NULL;
    snprintf(name, sizeof name, "/native/bin/%s-clang%s", triple ? triple : TRIPLE, plus ? "++" : "");
    arguments[at++] = name;
    if (plus)
        arguments[at++] = "-fsized-deallocation";
    if (parallel) { /* with the types of libgomp in omp.h, whatever lies beside clang */
        arguments[at++] = "-isystem";
        arguments[at++] = "/native/openmp";
    }
    for (number = 1; number < argc; number++)
        arguments[at++] = strcmp(argv[number], OPENMP) ? argv[number] : OPENMP "=libomp";
    arguments[at] = NULL;
    if (!parallel)
        return become(CLANG, arguments);
    path = object(argv);
    if (path && succeeds(CLANG, arguments) && completed(path))
        return 0;
    argv[0] = plus ? "g++" : "gcc";
    return become(argv[0], argv);
}
