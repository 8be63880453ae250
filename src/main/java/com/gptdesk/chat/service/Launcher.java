package com.gptdesk.chat.service;

import com.sun.management.UnixOperatingSystemMXBean;
import java.lang.management.ManagementFactory;

/**
 * Where the program begins. Compiled for Java 8, so that an old Java says one sentence instead of
 * failing at the first class; names no other class of ours before it has looked.
 */
public final class Launcher {

  private static final int OLDEST_JAVA = 21;

  /**
   * Jars, PostgreSQL's connections and some sockets: with less it fails somewhere in the middle.
   */
  private static final long FEWEST_FILES = 256;

  private Launcher() {}

  /**
   * Looks at Java and at the limit on open files, then goes on to {@code Main}.
   *
   * @param arguments of the command
   * @throws Exception what Main throws
   */
  public static void main(String[] arguments) throws Exception {
    String problem = problem(System.getProperty("java.specification.version"), openFilesAllowed());
    if (problem != null) {
      System.err.println(problem);
      System.exit(1);
    }
    Class.forName("com.gptdesk.chat.service.Main")
        .getMethod("main", String[].class)
        .invoke(null, (Object) arguments);
  }

  /** What keeps the program from running; null for nothing. */
  static String problem(String java, long openFiles) {
    int major = Integer.parseInt(java.startsWith("1.") ? java.substring(2) : java);
    if (major < OLDEST_JAVA) {
      return "GPT Desk Chat needs Java "
          + OLDEST_JAVA
          + " or newer, and this is Java "
          + java
          + " ("
          + System.getProperty("java.home")
          + "): install a newer one (Debian: openjdk-21-jre-headless; or Temurin) and start that.";
    }
    if (openFiles < FEWEST_FILES) {
      return "Only "
          + openFiles
          + " files may be open at once, and the chat needs "
          + FEWEST_FILES
          + " and one for each socket: raise the limit (ulimit -n 65536, LimitNOFILE= in systemd,"
          + " --ulimit nofile=65536 in a container).";
    }
    return null;
  }

  private static long openFilesAllowed() {
    Object system = ManagementFactory.getOperatingSystemMXBean();
    return system instanceof UnixOperatingSystemMXBean
        ? ((UnixOperatingSystemMXBean) system).getMaxFileDescriptorCount()
        : Long.MAX_VALUE;
  }
}
