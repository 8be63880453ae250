package com.gptdesk.chat.service;

import com.sun.management.UnixOperatingSystemMXBean;
import java.lang.management.ManagementFactory;

/**
 * The entry point. Compiled for Java 8, so that an old Java prints one sentence instead of a class
 * error. It refers to no other class of the chat before its checks.
 */
public final class Launcher {

  private static final int OLDEST_JAVA = 21;

  /** Enough for jars, database connections and some sockets; with fewer the service fails later. */
  private static final long FEWEST_FILES = 256;

  private Launcher() {}

  /**
   * Checks the Java version and the limit on open files, then starts {@code Main}.
   *
   * @param arguments of the command
   * @throws Exception thrown by Main
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

  /** The reason why the program cannot run; null for none. */
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
