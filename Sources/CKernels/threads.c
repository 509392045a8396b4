// A small fixed pool of threads.
//
// One call is in progress at a time; `busy` is its lock. The word `state` holds the call's number
// in its upper half and the next task in its lower half, so a thread that was delayed since an
// earlier call can't take a task of this one: its compare-and-exchange fails. A call ends when all
// of its tasks have ended; nobody waits for a thread that took none.
#if defined(__linux__)
#include <malloc.h>
#endif
#include <pthread.h>
#include <stdatomic.h>

#include "CKernels.h"

// Spinning lasts about 0.1 ms: the next call mostly follows within microseconds.
enum { threads_max = 256, spin_count = 4000 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake = PTHREAD_COND_INITIALIZER;
static pthread_cond_t done = PTHREAD_COND_INITIALIZER;
static atomic_intptr_t sleepers;
static atomic_intptr_t wanted = 1;
static intptr_t started = 1;  // the caller is worker 0; guarded by busy
static atomic_flag busy = ATOMIC_FLAG_INIT;

static _Atomic(sk_task) run_task;
static _Atomic(void *) run_context;
static atomic_intptr_t run_task_count;
static atomic_intptr_t run_worker_count;
static atomic_intptr_t unfinished;
// No task index is this large: the state between calls.
#define CLOSED 0xFFFFFFFFu
static _Atomic uint64_t state = CLOSED;

static inline void relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static inline uint32_t call_number(void) { return (uint32_t)(atomic_load(&state) >> 32); }

static void take_tasks(intptr_t worker) {
    uint64_t seen = atomic_load(&state);
    for (;;) {
        // These belong to the call of `seen` if the exchange below succeeds.
        sk_task run = atomic_load(&run_task);
        void *context = atomic_load(&run_context);
        intptr_t task = (intptr_t)(seen & CLOSED);
        if (worker >= atomic_load(&run_worker_count) || task >= atomic_load(&run_task_count)) return;
        if (!atomic_compare_exchange_weak(&state, &seen, seen + 1)) continue;
        run(context, task, worker);
        if (atomic_fetch_sub(&unfinished, 1) == 1) {
            pthread_mutex_lock(&mutex);
            pthread_cond_signal(&done);
            pthread_mutex_unlock(&mutex);
        }
        seen = atomic_load(&state);
    }
}

static void wait_for_call_after(uint32_t number) {
    for (int i = 0; i < spin_count; i++) {
        if (call_number() != number) return;
        relax();
    }
    pthread_mutex_lock(&mutex);
    atomic_fetch_add(&sleepers, 1);
    while (call_number() == number) pthread_cond_wait(&wake, &mutex);
    atomic_fetch_sub(&sleepers, 1);
    pthread_mutex_unlock(&mutex);
}

static void *work(void *argument) {
    for (;;) {
        uint32_t number = call_number();
        take_tasks((intptr_t)argument);
        wait_for_call_after(number);
    }
    return 0;
}

static void start_workers(intptr_t count) {
    while (started < count) {
        pthread_t thread;
        // Without another thread the tasks run on those that exist.
        if (pthread_create(&thread, 0, work, (void *)started) != 0) return;
        pthread_detach(thread);
        started++;
    }
}

static void wait_for_end(void) {
    for (int i = 0; i < spin_count; i++) {
        if (atomic_load(&unfinished) == 0) return;
        relax();
    }
    pthread_mutex_lock(&mutex);
    while (atomic_load(&unfinished) != 0) pthread_cond_wait(&done, &mutex);
    pthread_mutex_unlock(&mutex);
}

void sk_parallel(intptr_t task_count, intptr_t workers_max, sk_task run, void *context) {
    intptr_t workers = atomic_load(&wanted);
    workers = workers < workers_max ? workers : workers_max;
    if (workers <= 1 || task_count <= 1 || atomic_flag_test_and_set(&busy)) {
        for (intptr_t task = 0; task < task_count; task++) run(context, task, 0);
        return;
    }
    start_workers(workers);
    // A delayed thread may read a mix of two calls here. It takes nothing: the state is closed.
    uint64_t number = (atomic_load(&state) >> 32) + 1;
    atomic_store(&run_task, run);
    atomic_store(&run_context, context);
    atomic_store(&run_task_count, task_count);
    atomic_store(&run_worker_count, workers);
    atomic_store(&unfinished, task_count);
    atomic_store(&state, number << 32);
    if (atomic_load(&sleepers) > 0) {
        pthread_mutex_lock(&mutex);
        pthread_cond_broadcast(&wake);
        pthread_mutex_unlock(&mutex);
    }
    take_tasks(0);
    wait_for_end();
    atomic_store(&state, number << 32 | CLOSED);
    atomic_flag_clear(&busy);
}

void sk_threads_set(intptr_t count) {
    atomic_store(&wanted, count < 1 ? 1 : count > threads_max ? threads_max : count);
}

intptr_t sk_threads_count(void) { return atomic_load(&wanted); }

#if defined(__x86_64__)
int sk_cpu_has_avx512(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")
        && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
}
int sk_cpu_has_avx512_bf16(void) { return __builtin_cpu_supports("avx512bf16"); }
int sk_cpu_has_avx2(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
#else
int sk_cpu_has_avx512(void) { return 0; }
int sk_cpu_has_avx512_bf16(void) { return 0; }
int sk_cpu_has_avx2(void) { return 0; }
#endif

void sk_release_free_memory(void) {
#if defined(__GLIBC__)
    malloc_trim(0);
#endif
}

void sk_keep_large_blocks_apart(void) {
#if defined(__GLIBC__)
    /* A fixed threshold: glibc raises its own to the largest block that was ever freed, up to 32 MiB,
       and blocks below it leave holes in the heap that nothing else fits. */
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
#endif
}
