/* What clang calls for OpenMP, in terms of what GCC calls: the functions of LLVM's runtime by those of libgomp.
 *
 * The launcher adds this to each object that clang compiled with -fopenmp, so that the object needs libgomp as one of GCC
 * does, and nothing else. What stands here is parallel regions, worksharing loops, sections, reductions, critical, single
 * and master regions, barriers and atomics. What a program calls beyond that (tasks, ordered loops, teams, cancellation)
 * stays undefined; the launcher sees that, and has GCC compile the file.
 *
 * Names, arguments and numbers: LLVM, openmp/runtime/src/kmp.h and kmp_csupport.cpp; GCC, libgomp/libgomp_g.h. Loops are
 * divided among threads as both do. */

typedef unsigned long long u64;
typedef void work(void *);
typedef void microtask(int *, int *, ...);

#define API __attribute__((weak, visibility("hidden")))

extern int omp_get_thread_num(void);
extern int omp_get_num_threads(void);
extern void GOMP_parallel(work *, void *, unsigned, unsigned);
extern void GOMP_parallel_start(work *, void *, unsigned);
extern void GOMP_parallel_end(void);
extern void GOMP_barrier(void);
extern void GOMP_critical_start(void);
extern void GOMP_critical_end(void);
extern void GOMP_critical_name_start(void **);
extern void GOMP_critical_name_end(void **);
extern void GOMP_atomic_start(void);
extern void GOMP_atomic_end(void);
extern _Bool GOMP_single_start(void);
extern _Bool GOMP_loop_ull_static_start(_Bool, u64, u64, u64, u64, u64 *, u64 *);
extern _Bool GOMP_loop_ull_static_next(u64 *, u64 *);
extern _Bool GOMP_loop_ull_dynamic_start(_Bool, u64, u64, u64, u64, u64 *, u64 *);
extern _Bool GOMP_loop_ull_dynamic_next(u64 *, u64 *);
extern _Bool GOMP_loop_ull_guided_start(_Bool, u64, u64, u64, u64, u64 *, u64 *);
extern _Bool GOMP_loop_ull_guided_next(u64 *, u64 *);
extern _Bool GOMP_loop_ull_runtime_start(_Bool, u64, u64, u64, u64 *, u64 *);
extern _Bool GOMP_loop_ull_runtime_next(u64 *, u64 *);
extern void GOMP_loop_end_nowait(void);

/* ---- threads ---------------------------------------------------------------------------------------------------- */

API int __kmpc_global_thread_num(void *loc) { return omp_get_thread_num(); }

/* ---- parallel regions ------------------------------------------------------------------------------------------- */

#define MOST 256 /* variables of a region; the calling conventions let a function leave arguments unread */
#define FOUR(a, n) a[n], a[n + 1], a[n + 2], a[n + 3]
#define SIXTEEN(a, n) FOUR(a, n), FOUR(a, n + 4), FOUR(a, n + 8), FOUR(a, n + 12)
#define SIXTY_FOUR(a, n) SIXTEEN(a, n), SIXTEEN(a, n + 16), SIXTEEN(a, n + 32), SIXTEEN(a, n + 48)

struct region {
    microtask *body;
    int count;
    void **variables;
};

static __thread unsigned threads_asked, binding_asked; /* for the next region of this thread */

static void run(void *given)
{
    struct region *region = given;
    void **a = region->variables;
    int thread = omp_get_thread_num(), bound = 0;

    if (region->count <= 16)
        region->body(&thread, &bound, SIXTEEN(a, 0));
    else if (region->count <= 64)
        region->body(&thread, &bound, SIXTY_FOUR(a, 0));
    else
        region->body(&thread, &bound, SIXTY_FOUR(a, 0), SIXTY_FOUR(a, 64), SIXTY_FOUR(a, 128), SIXTY_FOUR(a, 192));
}

API void __kmpc_push_num_threads(void *loc, int thread, int count) { threads_asked = (unsigned)count; }

API void __kmpc_push_proc_bind(void *loc, int thread, int policy) { binding_asked = (unsigned)policy & 7; }

API void __kmpc_fork_call(void *loc, int count, microtask *body, ...)
{
    void *variables[MOST] = {0};
    struct region region = {body, count, variables};
    unsigned threads = threads_asked, binding = binding_asked;
    __builtin_va_list given;
    int number;

    if (count > MOST)
        __builtin_trap();
    __builtin_va_start(given, body);
    for (number = 0; number < count; number++)
        variables[number] = __builtin_va_arg(given, void *);
    __builtin_va_end(given);
    threads_asked = binding_asked = 0;
    GOMP_parallel(run, &region, threads, binding);
}

static void nothing(void *given) {}

/* A region whose `if` does not hold, which the caller itself runs: a team of one. */
API void __kmpc_serialized_parallel(void *loc, int thread)
{
    threads_asked = binding_asked = 0;
    GOMP_parallel_start(nothing, 0, 1);
}

API void __kmpc_end_serialized_parallel(void *loc, int thread) { GOMP_parallel_end(); }

/* ---- loops ----------------------------------------------------------------------------------------------------- */

/* How often a loop from low to high runs, both included. */
#define TRIPS(low, high, step)                                                                                         \
    ((step) > 0 ? (high) < (low) ? 0 : ((u64)(high) - (u64)(low)) / (u64)(step) + 1                                    \
                : (low) < (high) ? 0 : ((u64)(low) - (u64)(high)) / (0 - (u64)(step)) + 1)

/* ---- loops whose parts are known when they begin ------------------------------------------------------------------ */

enum {
    STATIC_CHUNKED = 33,
    STATIC = 34,
    DYNAMIC = 35,
    GUIDED = 36,
    RUNTIME = 37,
    AUTO = 38,
    STATIC_ALIGNED = 45, /* of `simd`: the parts are multiples of a chunk */
    GUIDED_ALIGNED = 46,
    RUNTIME_ALIGNED = 47,
    MODIFIERS = 3 << 29 /* monotonic, nonmonotonic */
};

#define STATIC_LOOP(name, type, natural)                                                                               \
    API void name(void *loc, int thread, int schedule, int *last, type *lower, type *upper, natural *stride,           \
                  natural step, natural chunk)                                                                         \
    {                                                                                                                  \
        u64 own = (u64)omp_get_thread_num(), threads = (u64)omp_get_num_threads();                                     \
        type low = *lower, high = *upper;                                                                              \
        u64 trips = TRIPS(low, high, step), part, rest, first, count;                                                  \
                                                                                                                       \
        if (!trips) {                                                                                                  \
            *last = 0;                                                                                                 \
            *stride = step;                                                                                            \
            return;                                                                                                    \
        }                                                                                                              \
        if (chunk < 1)                                                                                                 \
            chunk = 1;                                                                                                 \
        switch (schedule & ~MODIFIERS) {                                                                               \
        case STATIC_CHUNKED: /* this thread's first part; the caller goes on by the stride */                          \
            first = own * (u64)chunk;                                                                                  \
            count = (u64)chunk;                                                                                        \
            *stride = (natural)(threads * (u64)chunk * (u64)step);                                                     \
            *last = own == (trips - 1) / (u64)chunk % threads;                                                         \
            break;                                                                                                     \
        case STATIC_ALIGNED:                                                                                           \
            part = (trips + threads - 1) / threads;                                                                    \
            part = (part + (u64)chunk - 1) / (u64)chunk * (u64)chunk;                                                  \
            first = own * part;                                                                                        \
            count = first >= trips ? 0 : trips - first < part ? trips - first : part;                                  \
            *stride = (natural)(trips * (u64)step);                                                                    \
            *last = count && first + count == trips;                                                                   \
            break;                                                                                                     \
        case STATIC:                                                                                                   \
            part = trips / threads;                                                                                    \
            rest = trips % threads;                                                                                    \
            first = own * part + (own < rest ? own : rest);                                                            \
            count = part + (own < rest);                                                                               \
            *stride = (natural)(trips * (u64)step);                                                                    \
            *last = count && first + count == trips;                                                                   \
            break;                                                                                                     \
        default: /* of teams, which do not come here */                                                                \
            __builtin_trap();                                                                                          \
        }                                                                                                              \
        if (!count) { /* nothing: the part begins after the end */                                                     \
            *lower = (type)((u64)high + (u64)step);                                                                    \
            *upper = high;                                                                                             \
            return;                                                                                                    \
        }                                                                                                              \
        *lower = (type)((u64)low + first * (u64)step);                                                                 \
        *upper = (type)((u64)*lower + (count - 1) * (u64)step);                                                        \
    }

STATIC_LOOP(__kmpc_for_static_init_4, int, int)
STATIC_LOOP(__kmpc_for_static_init_4u, unsigned, int)
STATIC_LOOP(__kmpc_for_static_init_8, long long, long long)
STATIC_LOOP(__kmpc_for_static_init_8u, u64, long long)

API void __kmpc_for_static_fini(void *loc, int thread) {}

/* ---- loops whose parts are asked for one by one ------------------------------------------------------------------- */

#define DEEPEST 16 /* loops that one thread is in: each in a region within the body of the one before */

struct loop {
    int schedule, begun;
    u64 low, step, trips, chunk;
};

static __thread struct loop loops[DEEPEST];
static __thread int depth;

static void begin(int schedule, u64 low, u64 step, u64 trips, long long chunk)
{
    if (depth == DEEPEST)
        __builtin_trap();
    loops[depth++] = (struct loop){schedule & ~MODIFIERS, 0, low, step, trips, chunk < 1 ? 1 : (u64)chunk};
}

/* Libgomp counts the rounds of the loop, so that its type, its direction and its step are all one here. */
static int next_part(int *last, u64 *low, u64 *high)
{
    struct loop *loop = &loops[depth - 1];
    u64 trips = loop->trips, from, to;
    int first = !loop->begun;
    _Bool more;

    loop->begun = 1;
    switch (loop->schedule) {
    case GUIDED:
    case GUIDED_ALIGNED:
        more = first ? GOMP_loop_ull_guided_start(1, 0, trips, 1, loop->chunk, &from, &to)
                     : GOMP_loop_ull_guided_next(&from, &to);
        break;
    case RUNTIME:
    case RUNTIME_ALIGNED:
        more = first ? GOMP_loop_ull_runtime_start(1, 0, trips, 1, &from, &to) : GOMP_loop_ull_runtime_next(&from, &to);
        break;
    case STATIC:
    case AUTO:
        more = first ? GOMP_loop_ull_static_start(1, 0, trips, 1, 0, &from, &to) : GOMP_loop_ull_static_next(&from, &to);
        break;
    case STATIC_CHUNKED:
        more = first ? GOMP_loop_ull_static_start(1, 0, trips, 1, loop->chunk, &from, &to)
                     : GOMP_loop_ull_static_next(&from, &to);
        break;
    default:
        more = first ? GOMP_loop_ull_dynamic_start(1, 0, trips, 1, loop->chunk, &from, &to)
                     : GOMP_loop_ull_dynamic_next(&from, &to);
    }
    if (!more) {
        GOMP_loop_end_nowait();
        depth--;
        return 0;
    }
    *low = loop->low + from * loop->step;
    *high = loop->low + (to - 1) * loop->step; /* included, where libgomp's end is not */
    *last = to == trips;
    return 1;
}

#define DYNAMIC_LOOP(suffix, type, natural)                                                                            \
    API void __kmpc_dispatch_init_##suffix(void *loc, int thread, int schedule, type low, type high, natural step,     \
                                           natural chunk)                                                              \
    {                                                                                                                  \
        begin(schedule, (u64)low, (u64)step, TRIPS(low, high, step), chunk);                                           \
    }                                                                                                                  \
    API int __kmpc_dispatch_next_##suffix(void *loc, int thread, int *last, type *low, type *high, natural *step)      \
    {                                                                                                                  \
        u64 from, to;                                                                                                  \
        int is_last;                                                                                                   \
                                                                                                                       \
        *step = (natural)loops[depth - 1].step;                                                                        \
        if (!next_part(&is_last, &from, &to))                                                                          \
            return 0;                                                                                                  \
        *low = (type)from;                                                                                             \
        *high = (type)to;                                                                                              \
        if (last)                                                                                                      \
            *last = is_last;                                                                                           \
        return 1;                                                                                                      \
    }                                                                                                                  \
    API void __kmpc_dispatch_deinit_##suffix(void *loc, int thread) {}

DYNAMIC_LOOP(4, int, int)
DYNAMIC_LOOP(4u, unsigned, int)
DYNAMIC_LOOP(8, long long, long long)
DYNAMIC_LOOP(8u, u64, long long)

API void __kmpc_dispatch_deinit(void *loc, int thread) {}

/* ---- one thread at a time ----------------------------------------------------------------------------------------- */

/* GCC's critical regions without a name share one lock of libgomp with each other, in whatever file they are. */
extern int unnamed[8] __asm__(".gomp_critical_user_.var") __attribute__((weak));

API void __kmpc_critical(void *loc, int thread, void *lock)
{
    if (lock == (void *)unnamed)
        GOMP_critical_start();
    else
        GOMP_critical_name_start(lock);
}

API void __kmpc_critical_with_hint(void *loc, int thread, void *lock, unsigned hint)
{
    __kmpc_critical(loc, thread, lock);
}

API void __kmpc_end_critical(void *loc, int thread, void *lock)
{
    if (lock == (void *)unnamed)
        GOMP_critical_end();
    else
        GOMP_critical_name_end(lock);
}

API void __kmpc_atomic_start(void) { GOMP_atomic_start(); }

API void __kmpc_atomic_end(void) { GOMP_atomic_end(); }

/* Returns 1: the caller combines its values with those of all, and says when it is done. */
API int __kmpc_reduce_nowait(void *loc, int thread, int count, unsigned long bytes, void *values,
                             void (*combine)(void *, void *), void *lock)
{
    GOMP_critical_name_start(lock);
    return 1;
}

API void __kmpc_end_reduce_nowait(void *loc, int thread, void *lock) { GOMP_critical_name_end(lock); }

API int __kmpc_reduce(void *loc, int thread, int count, unsigned long bytes, void *values,
                      void (*combine)(void *, void *), void *lock)
{
    GOMP_critical_name_start(lock);
    return 1;
}

API void __kmpc_end_reduce(void *loc, int thread, void *lock)
{
    GOMP_critical_name_end(lock);
    GOMP_barrier();
}

/* ---- one thread of all, and all of them ---------------------------------------------------------------------------- */

API int __kmpc_single(void *loc, int thread) { return GOMP_single_start(); }

API void __kmpc_end_single(void *loc, int thread) {}

API int __kmpc_master(void *loc, int thread) { return omp_get_thread_num() == 0; }

API void __kmpc_end_master(void *loc, int thread) {}

API int __kmpc_masked(void *loc, int thread, int chosen) { return omp_get_thread_num() == chosen; }

API void __kmpc_end_masked(void *loc, int thread) {}

API void __kmpc_barrier(void *loc, int thread) { GOMP_barrier(); }

API void __kmpc_flush(void *loc) { __sync_synchronize(); }
