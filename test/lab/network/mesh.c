/*
 * Proves with packets that everybody reaches everybody: opens one UDP socket in each namespace given as NAME=ADDRESS, sends
 * from each to each, and looks at the receiver's side for the source address, then sends the answer back and looks again.
 * `mesh spoof NAME=ADDRESS NAME=ADDRESS LIE` sends from the first to the second with the source address LIE.
 * Prints one line for each pair that failed and, last, how many messages arrived as they should.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PORT = 9999, WAIT_MS = 3000, MOST = 256, IP_FREEBIND_OPTION = 15 };
struct peer { const char *name; struct in_addr address; int fd; } peers[MOST];

static void fail(const char *what) { perror(what); exit(2); }

static int socket_in(const char *name, struct in_addr source) {
  char path[256];
  snprintf(path, sizeof path, "/run/netns/%s", name);
  int ns = open(path, O_RDONLY | O_CLOEXEC), fd, on = 1;
  struct sockaddr_in self = {.sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr = source};
  if (ns < 0 || setns(ns, CLONE_NEWNET) < 0) fail(path);
  if ((fd = socket(AF_INET, SOCK_DGRAM, 0)) < 0) fail("socket");
  setsockopt(fd, IPPROTO_IP, IP_FREEBIND_OPTION, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd, (struct sockaddr *)&self, sizeof self) < 0) fail("bind");
  close(ns);
  return fd;
}

static void parse(struct peer *p, char *arg) {
  char *equals = strchr(arg, '=');
  if (!equals || (*equals = 0, inet_pton(AF_INET, equals + 1, &p->address) != 1)) exit(3);
  p->name = arg;
}

/* Whether a message from `from` with this text arrives at `to` showing the source `source`. */
static int arrives(int from, const struct peer *to, struct in_addr source, const char *text) {
  struct sockaddr_in target = {.sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr = to->address}, seen;
  char got[64];
  if (sendto(from, text, strlen(text), 0, (struct sockaddr *)&target, sizeof target) < 0) return 0;
  for (struct pollfd p = {.fd = to->fd, .events = POLLIN}; poll(&p, 1, WAIT_MS) > 0;) {
    socklen_t length = sizeof seen;
    ssize_t n = recvfrom(to->fd, got, sizeof got - 1, 0, (struct sockaddr *)&seen, &length);
    if (n < 0) return 0;
    got[n] = 0;
    if (!strcmp(got, text)) return seen.sin_addr.s_addr == source.s_addr;
  }
  return 0;
}

int main(int argc, char **argv) {
  int spoof = argc > 1 && !strcmp(argv[1], "spoof"), count = 0, good = 0;
  char text[64];
  for (int i = 1 + spoof; i < argc - spoof && count < MOST; i++) {
    parse(&peers[count], argv[i]);
    peers[count].fd = socket_in(peers[count].name, peers[count].address);
    count++;
  }
  if (spoof) {
    struct in_addr lie;
    if (count != 2 || inet_pton(AF_INET, argv[argc - 1], &lie) != 1) exit(3);
    good = arrives(socket_in(peers[0].name, lie), &peers[1], lie, "a lie");
  } else
    for (int i = 0; i < count; i++)
      for (int j = 0; j < count; j++) {
        if (i == j) continue;
        snprintf(text, sizeof text, "%d to %d", i, j);
        int there = arrives(peers[i].fd, &peers[j], peers[i].address, text);
        snprintf(text, sizeof text, "%d back to %d", j, i);
        int back = there && arrives(peers[j].fd, &peers[i], peers[j].address, text);
        if (!back) printf("%s does not reach %s%s\n", peers[i].name, peers[j].name, there ? " back" : "");
        good += there + back;
      }
  printf("%d\n", good);
  return 0;
}
