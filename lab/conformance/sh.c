/*
 * The shell of the busybox image. Upstream's keeps variables of every name for the programs that it starts; Debian's forgets
 * those whose names a script could not write, such as data-1. With such a name bash takes its place.
 */
#include <ctype.h>
#include <unistd.h>

static int is_name(const char *entry) {
  if (isdigit((unsigned char)*entry)) return 0;
  for (; *entry != '\0' && *entry != '='; entry++)
    if (!isalnum((unsigned char)*entry) && *entry != '_') return 0;
  return 1;
}

int main(int argc, char **argv, char **env) {
  (void)argc;
  for (char **entry = env; *entry != NULL; entry++)
    if (!is_name(*entry)) execve("/bin/bash-static", argv, env);
  execve("/bin/busybox", argv, env);
  return 127;
}
