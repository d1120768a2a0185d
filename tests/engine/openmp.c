/* What a program of OpenMP may ask for, and whether it gets it. Says `works`, or what is wrong. */
#include <omp.h>
#include <stdio.h>
#include <string.h>
#define N 1000
static int seen[N + 1];
static long wrong;
#define CHECK(what, ok) do { if (!(ok)) { printf("wrong: %s\n", what); wrong++; } } while (0)
static void clear(void) { memset(seen, 0, sizeof seen); }
static int once(int from, int to, int step) {
    for (int i = 0; i <= N; i++) if (seen[i] != (i >= from && i < to && (i - from) % step == 0)) return 0;
    return 1;
}
#define LOOP(what, clause, type, from, to, step) do { clear(); type last = -1; \
    _Pragma("omp parallel num_threads(4)") { \
    _Pragma(clause) for (type i = from; i < to; i += step) { __sync_fetch_and_add(&seen[i], 1); last = i; } } \
    CHECK(what, once(from, to, step)); \
    CHECK(what " last", last == (type)(from + (to - from - 1) / step * step)); } while (0)
#define DOWN(what, clause, type) do { clear(); type last = -1; \
    _Pragma("omp parallel num_threads(4)") { \
    _Pragma(clause) for (type i = 999; i >= 1; i -= 7) { __sync_fetch_and_add(&seen[i], 1); last = i; } } \
    int ok = 1; for (int i = 0; i <= N; i++) ok &= seen[i] == (i >= 1 && i <= 999 && (999 - i) % 7 == 0); \
    CHECK(what, ok); CHECK(what " last", last == 5); } while (0)
#define KINDS(type) \
    LOOP("static " #type, "omp for schedule(static) lastprivate(last)", type, 3, 998, 1); \
    LOOP("static step " #type, "omp for schedule(static) lastprivate(last)", type, 3, 998, 7); \
    LOOP("static few " #type, "omp for schedule(static) lastprivate(last)", type, 3, 5, 1); \
    LOOP("chunk " #type, "omp for schedule(static, 5) lastprivate(last)", type, 3, 998, 3); \
    LOOP("dynamic " #type, "omp for schedule(dynamic) lastprivate(last)", type, 3, 998, 1); \
    LOOP("dynamic 7 " #type, "omp for schedule(dynamic, 7) lastprivate(last)", type, 2, 999, 3); \
    LOOP("guided " #type, "omp for schedule(guided) lastprivate(last)", type, 0, 1000, 1); \
    LOOP("guided 9 " #type, "omp for schedule(guided, 9) lastprivate(last)", type, 1, 1000, 4); \
    LOOP("runtime " #type, "omp for schedule(runtime) lastprivate(last)", type, 1, 1000, 4); \
    LOOP("auto " #type, "omp for schedule(auto) lastprivate(last)", type, 1, 1000, 4); \
    LOOP("monotonic " #type, "omp for schedule(monotonic: dynamic, 3) lastprivate(last)", type, 1, 1000, 4); \
    LOOP("simd " #type, "omp for simd schedule(simd: static, 3) lastprivate(last)", type, 1, 1000, 1)
static int orphan(void) { int sum = 0;
    #pragma omp for
    for (int i = 0; i < 10; i++) { 
        #pragma omp atomic
        sum += i; }
    return sum; }
static int tp;
#pragma omp threadprivate(tp)
int main(void)
{
    KINDS(int); KINDS(unsigned); KINDS(long); KINDS(unsigned long);
    DOWN("down static", "omp for schedule(static) lastprivate(last)", int);
    DOWN("down dynamic", "omp for schedule(dynamic, 3) lastprivate(last)", long);
    DOWN("down guided", "omp for schedule(guided) lastprivate(last)", int);
    for (int s = 1; s <= 4; s++) for (int c = 0; c < 9; c += 4) { omp_set_schedule((omp_sched_t)s, c); LOOP("runtime set", "omp for schedule(runtime) lastprivate(last)", int, 1, 1000, 4); }
    double sum = 0; int most = 0, all = 1; long product = 1;
    #pragma omp parallel for reduction(+:sum) reduction(max:most) reduction(&&:all) reduction(*:product) num_threads(5)
    for (int i = 1; i <= 20; i++) { sum += i; if (i > most) most = i; all = all && i > 0; if (i < 10) product *= i; }
    CHECK("reduction", sum == 210 && most == 20 && all && product == 362880);
    int array[4] = {0};
    #pragma omp parallel for reduction(+:array[:4]) num_threads(3)
    for (int i = 0; i < 400; i++) array[i % 4] += 1;
    CHECK("array reduction", array[0] == 100 && array[3] == 100);
    int critical = 0, named = 0, singles = 0, masters = 0, threads = 0, r = 0;
    #pragma omp parallel num_threads(6)
    {
        for (int i = 0; i < 1000; i++) {
            #pragma omp critical
            critical++;
            #pragma omp critical(a_name)
            named++;
        }
        #pragma omp single
        singles++;
        #pragma omp master
        masters++;
        #pragma omp barrier
        #pragma omp atomic
        threads++;
        #pragma omp for reduction(+:r) nowait
        for (int i = 0; i < 12; i++) r += i;
        #pragma omp barrier
        CHECK("reduction with nowait", r == 66);
    }
    CHECK("critical", critical == 6000 && named == 6000);
    CHECK("single", singles == 1); CHECK("master", masters == 1); CHECK("threads", threads == 6);
    int s[4] = {0};
    #pragma omp parallel sections num_threads(2)
    {
        #pragma omp section
        s[0]++;
        #pragma omp section
        s[1]++;
        #pragma omp section
        s[2]++;
    }
    CHECK("sections", s[0] == 1 && s[1] == 1 && s[2] == 1);
    int inner = 0, level = 0; omp_set_max_active_levels(3);
    #pragma omp parallel num_threads(3)
    {
        #pragma omp for schedule(dynamic)
        for (int i = 0; i < 9; i++) {
            #pragma omp parallel for schedule(dynamic) num_threads(2)
            for (int j = 0; j < 11; j++) {
                #pragma omp atomic
                inner++;
                level = omp_get_level();
            }
        }
    }
    CHECK("nested", inner == 99 && level == 2);
    int serial = 0, num = 0;
    #pragma omp parallel if(inner < 0) num_threads(4) reduction(+:serial)
    { serial += 1; num = omp_get_num_threads(); 
      #pragma omp for
      for (int i = 0; i < 10; i++) serial += 1; }
    CHECK("if", serial == 11 && num == 1 && !omp_in_parallel());
    int o = 0;
    #pragma omp parallel num_threads(3)
    { int x = orphan(); 
      #pragma omp atomic
      o += x; }
    CHECK("orphan", o == 45); CHECK("orphan serial", orphan() == 45);
    int c2 = 0;
    #pragma omp parallel for collapse(2) schedule(dynamic, 3) reduction(+:c2)
    for (int i = 0; i < 13; i++) for (int j = 0; j < 7; j++) c2 += i * j;
    CHECK("collapse", c2 == 78 * 21);
    double a=1.5; float b=2.5f; char ch=120; long l=1L<<40; int f1=1,f2=2,f3=3,f4=4,f5=5,f6=6,f7=7,f8=8,f9=9,f10=10,f11=11,f12=12,f13=13,f14=14,f15=15; double total=0;
    #pragma omp parallel num_threads(4) firstprivate(a,b,ch,l,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13,f14,f15) reduction(+:total)
    { total += a+b+ch+(double)l+f1+f2+f3+f4+f5+f6+f7+f8+f9+f10+f11+f12+f13+f14+f15; }
    CHECK("many", total == 4*(1.5+2.5+120+(double)(1L<<40)+120));
    tp = 5; int tps = 0;
    #pragma omp parallel copyin(tp) num_threads(3) reduction(+:tps)
    tps += tp;
    CHECK("threadprivate", tps == 15);
    double dd = 0;
    #pragma omp parallel for num_threads(4) proc_bind(close)
    for (int i = 0; i < 100; i++) {
        #pragma omp atomic
        dd += 0.5; }
    CHECK("double atomic", dd == 50);
    #pragma omp parallel for if(0) schedule(guided)
    for (int i = 0; i < 3; i++) s[3] += i;
    CHECK("if 0 guided", s[3] == 3);
    puts(wrong ? "broken" : "works");
    return wrong != 0;
}
