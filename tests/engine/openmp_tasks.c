/* What openmp.c of the toolchain does not have, and a lock with a name, so that GCC must compile it. Says `works`, or nothing. */
#include <omp.h>
#include <stdio.h>

#ifndef NO_TASKS
static int fibonacci(int n)
{
    int a, b;

    if (n < 2)
        return n;
    #pragma omp task shared(a)
    a = fibonacci(n - 1);
    #pragma omp task shared(b)
    b = fibonacci(n - 2);
    #pragma omp taskwait
    return a + b;
}
#endif

int main(void)
{
    int found = 0, order[20], at = 0, right = 1, named = 0;

#ifdef NO_TASKS
    found = 144;
    for (int i = 0; i < 20; i++)
        order[i] = i;
#else
    #pragma omp parallel num_threads(3)
    #pragma omp single
    found = fibonacci(12);
    #pragma omp parallel for ordered schedule(dynamic) num_threads(3)
    for (int i = 0; i < 20; i++) {
        #pragma omp ordered
        order[at++] = i;
    }
#endif
    for (int i = 0; i < 20; i++)
        right = right && order[i] == i;
    #pragma omp parallel for num_threads(3)
    for (int i = 0; i < 3000; i++) {
        #pragma omp critical(a_name)
        named++;
    }
    if (found == 144 && right && named == 3000)
        puts("works");
    return 0;
}
