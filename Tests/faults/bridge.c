// Carries Ethernet frames between two interfaces, and delays, loses, doubles and reorders them: what
// `tc netem` does where a kernel has it.
//
//   bridge IF_A IF_B DELAY_US JITTER_US LOSS_PERMILLE DOUBLE_PERMILLE SEED
//
// Each frame waits DELAY_US and up to JITTER_US more, so that frames overtake each other within the
// jitter. The interfaces must have their offloads off (ethtool -K IF tx off tso off gso off gro off):
// frames are carried as they come, with the checksums that they have.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { FRAME_MAX = 9216, QUEUE_MAX = 16384 };

// A frame that waits, and where it goes.
struct frame {
    int64_t due_us;
    uint64_t order;
    int to;
    int length;
    unsigned char *bytes;
};

// A binary heap: no frame is due before its parent.
static struct frame queue[QUEUE_MAX];
static int queued;
static uint64_t order, random_state, dropped;

static int64_t now_us(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

// xorshift64*.
static uint64_t draw(uint64_t below) {
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return below == 0 ? 0 : (random_state * UINT64_C(2685821657736338717) >> 11) % below;
}

static int precedes(const struct frame *a, const struct frame *b) {
    return a->due_us != b->due_us ? a->due_us < b->due_us : a->order < b->order;
}

static void swap(int a, int b) {
    struct frame kept = queue[a];
    queue[a] = queue[b];
    queue[b] = kept;
}

static void push(const unsigned char *bytes, int length, int to, int64_t due_us) {
    if (queued == QUEUE_MAX) {
        dropped++;
        return;
    }
    unsigned char *copy = malloc(length);
    if (copy == NULL) {
        dropped++;
        return;
    }
    memcpy(copy, bytes, length);
    queue[queued] = (struct frame){due_us, order++, to, length, copy};
    for (int child = queued++; child > 0; child = (child - 1) / 2) {
        if (!precedes(&queue[child], &queue[(child - 1) / 2])) break;
        swap(child, (child - 1) / 2);
    }
}

static struct frame pop(void) {
    struct frame first = queue[0];
    queue[0] = queue[--queued];
    for (int parent = 0;;) {
        int least = parent;
        for (int child = 2 * parent + 1; child <= 2 * parent + 2 && child < queued; child++)
            if (precedes(&queue[child], &queue[least])) least = child;
        if (least == parent) return first;
        swap(parent, least);
        parent = least;
    }
}

static int open_interface(const char *name) {
    int descriptor = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
    struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
    address.sll_ifindex = (int)if_nametoindex(name);
    int one = 1, size = 8 << 20;
    struct packet_mreq promiscuous = {.mr_ifindex = address.sll_ifindex, .mr_type = PACKET_MR_PROMISC};
    if (descriptor < 0 || address.sll_ifindex == 0
        || bind(descriptor, (struct sockaddr *)&address, sizeof address) != 0
        || setsockopt(descriptor, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one) != 0
        || setsockopt(descriptor, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof promiscuous) != 0) {
        fprintf(stderr, "bridge: %s: %s\n", name, strerror(errno));
        exit(1);
    }
    setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
    return descriptor;
}

int main(int count, char **arguments) {
    if (count != 8) {
        fprintf(stderr, "usage: bridge IF_A IF_B DELAY_US JITTER_US LOSS_PERMILLE DOUBLE_PERMILLE SEED\n");
        return 2;
    }
    int ends[2] = {open_interface(arguments[1]), open_interface(arguments[2])};
    int64_t delay = atoll(arguments[3]);
    uint64_t jitter = strtoull(arguments[4], NULL, 10), loss = strtoull(arguments[5], NULL, 10);
    uint64_t doubled = strtoull(arguments[6], NULL, 10);
    random_state = strtoull(arguments[7], NULL, 10) * 2 + 1;
    static unsigned char bytes[FRAME_MAX];
    for (;;) {
        int64_t now = now_us();
        while (queued > 0 && queue[0].due_us <= now) {
            struct frame frame = pop();
            if (send(ends[frame.to], frame.bytes, frame.length, 0) < 0 && errno != ENOBUFS
                && errno != ENETDOWN && errno != EMSGSIZE) {
                perror("bridge: send");
                return 1;
            }
            free(frame.bytes);
        }
        struct timespec wait = {0, 0};
        if (queued > 0) {
            int64_t left = queue[0].due_us - now;
            wait = (struct timespec){left / 1000000, left % 1000000 * 1000};
        }
        struct pollfd polled[2] = {{ends[0], POLLIN, 0}, {ends[1], POLLIN, 0}};
        if (ppoll(polled, 2, queued > 0 ? &wait : NULL, NULL) < 0 && errno != EINTR) {
            perror("bridge: poll");
            return 1;
        }
        for (int from = 0; from < 2; from++) {
            for (int burst = 0; burst < 64; burst++) {
                int length = (int)recv(ends[from], bytes, sizeof bytes, MSG_DONTWAIT);
                if (length <= 0) break;
                int copies = 1 + (draw(1000) < doubled);
                for (int copy = 0; copy < copies; copy++) {
                    if (draw(1000) < loss) continue;
                    push(bytes, length, 1 - from, now_us() + delay + (int64_t)draw(jitter + 1));
                }
            }
        }
    }
}
