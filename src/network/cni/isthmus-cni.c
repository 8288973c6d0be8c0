/*
 * The CNI plugin: carries the runtime's request (CNI_* variables and stdin) to the agent's socket and prints the answer.
 * It decides one thing alone, what to say when the agent does not answer: ADD is to be tried again; DEL must never depend
 * on a daemon, so it goes into a queue on disk that the agent replays; STATUS waits, because an error makes the Node NotReady.
 *
 * Request:  {"env":{"CNI_COMMAND":"ADD",...},"stdin":"..."} and end of stream.  Answer: exit code, newline, stdout, newline.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#ifndef AGENT_SOCKET
#define AGENT_SOCKET "/run/isthmus/cni.sock"
#endif
#ifndef PENDING_DIR
#define PENDING_DIR "/var/lib/isthmus/cni-pending"
#endif
enum { ANSWER_SECONDS = 60, STATUS_SECONDS = 8, TRY_AGAIN = 11, IO_FAILURE = 5, NOT_AVAILABLE = 50 };

extern char **environ;

struct text { char *at; size_t length, room; };

static void add(struct text *t, const char *bytes, size_t n) {
  if (t->length + n + 1 > t->room) {
    t->room = (t->length + n + 1) * 2;
    if (!(t->at = realloc(t->at, t->room))) _exit(1);
  }
  memcpy(t->at + t->length, bytes, n);
  t->at[t->length += n] = 0;
}

static void add_json(struct text *t, const char *bytes, size_t n) {
  add(t, "\"", 1);
  for (size_t i = 0; i < n; i++) {
    unsigned char c = bytes[i];
    char escaped[7];
    if (c == '"' || c == '\\' || c < 0x20) add(t, escaped, snprintf(escaped, sizeof escaped, "\\u%04x", c));
    else add(t, bytes + i, 1);
  }
  add(t, "\"", 1);
}

/* 0 when the stream has ended, -1 when it broke or the socket's time limit has passed. */
static int read_all(int fd, struct text *t) {
  char part[16384];
  for (ssize_t n;;) {
    if ((n = read(fd, part, sizeof part)) == 0) return 0;
    if (n > 0) add(t, part, n);
    else if (errno != EINTR) return -1;
  }
}

static int write_all(int fd, const char *bytes, size_t n) {
  for (ssize_t w; n > 0; bytes += w, n -= w)
    if ((w = write(fd, bytes, n)) < 0) {
      if (errno != EINTR) return -1;
      w = 0;
    }
  return 0;
}

/* The version that the runtime speaks, echoed in what we print ourselves. */
static const char *cni_version(const char *config) {
  static char version[16];
  const char *at = strstr(config, "\"cniVersion\"");
  if (!at || sscanf(at + 12, " : \"%15[0-9.]\"", version) != 1) return "1.0.0";
  return version;
}

static int say_error(const char *config, int code, const char *message, const char *details) {
  printf("{\"cniVersion\":\"%s\",\"code\":%d,\"msg\":\"%s\",\"details\":\"%s\"}\n", cni_version(config), code, message, details);
  return 1;
}

/* Prints the agent's answer; -1 when there is none or it is torn (no exit code in front, no newline at the end). */
static int ask_agent(const struct text *request, int seconds) {
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = AGENT_SOCKET};
  struct timeval limit = {.tv_sec = seconds};
  struct text answer = {0};
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), exit_code = -1;
  if (fd < 0) return -1;
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0 && write_all(fd, request->at, request->length) == 0 &&
      shutdown(fd, SHUT_WR) == 0 && read_all(fd, &answer) == 0 && answer.length >= 3 && isdigit((unsigned char)answer.at[0]) &&
      answer.at[1] == '\n' && answer.at[answer.length - 1] == '\n') {
    exit_code = answer.at[0] - '0';
    if (answer.length > 3 && write_all(STDOUT_FILENO, answer.at + 2, answer.length - 2) < 0) exit_code = 1;
  }
  close(fd);
  free(answer.at);
  return exit_code;
}

/* Written aside, synced, renamed, and the folder synced: after success the request survives a power cut. */
static int queue_del(const struct text *request, const char *container, const char *interface) {
  char path[512], aside[512];
  if (strchr(container, '/') || strchr(interface, '/')) return -1;
  int n = snprintf(path, sizeof path, PENDING_DIR "/%s.%s.json", container, interface);
  int m = snprintf(aside, sizeof aside, PENDING_DIR "/.%d.part", getpid());
  if (n < 0 || n >= (int)sizeof path || m < 0) return -1;
  mkdir(PENDING_DIR, 0700);
  int dir = open(PENDING_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  int done = dir >= 0 && fd >= 0 && write_all(fd, request->at, request->length) == 0 && fsync(fd) == 0 &&
             rename(aside, path) == 0 && fsync(dir) == 0;
  if (!done) unlink(aside);
  return done ? 0 : -1;
}

int main(void) {
  const char *command = getenv("CNI_COMMAND"), *container = getenv("CNI_CONTAINERID"), *interface = getenv("CNI_IFNAME");
  struct text config = {0}, request = {0};
  /* An agent that closes early must not end us: the DEL is still to be queued. */
  signal(SIGPIPE, SIG_IGN);
  if (!command) return say_error("", 4, "CNI_COMMAND is not set", "this is a CNI plugin: a container runtime calls it");
  add(&config, "", 0);
  if (read_all(STDIN_FILENO, &config) < 0) return say_error("", IO_FAILURE, "reading stdin", "");
  if (!strcmp(command, "VERSION")) {
    printf("{\"cniVersion\":\"%s\",\"supportedVersions\":[\"0.4.0\",\"1.0.0\",\"1.1.0\"]}\n", cni_version(config.at));
    return 0;
  }
  add(&request, "{\"env\":{", 8);
  for (char **e = environ, *comma = ""; *e; e++) {
    const char *equals = strchr(*e, '=');
    if (strncmp(*e, "CNI_", 4) || !equals) continue;
    add(&request, comma, strlen(comma));
    add_json(&request, *e, equals - *e);
    add(&request, ":", 1);
    add_json(&request, equals + 1, strlen(equals + 1));
    comma = ",";
  }
  add(&request, "},\"stdin\":", 10);
  add_json(&request, config.at, config.length);
  add(&request, "}", 1);

  int status = !strcmp(command, "STATUS");
  time_t end = time(NULL) + (status ? STATUS_SECONDS : 0);
  for (int exit_code;; nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL)) {
    if ((exit_code = ask_agent(&request, status ? STATUS_SECONDS : ANSWER_SECONDS)) >= 0) return exit_code;
    if (time(NULL) >= end) break;
  }
  if (status) return say_error(config.at, NOT_AVAILABLE, "the Isthmus agent does not answer", AGENT_SOCKET);
  if (strcmp(command, "DEL")) return say_error(config.at, TRY_AGAIN, "the Isthmus agent does not answer, try again later", AGENT_SOCKET);
  if (!container || !*container || !interface || !*interface)
    return say_error(config.at, 4, "CNI_CONTAINERID or CNI_IFNAME is not set", "");
  if (queue_del(&request, container, interface) < 0) return say_error(config.at, IO_FAILURE, "queueing DEL for the Isthmus agent", PENDING_DIR);
  return 0;
}
