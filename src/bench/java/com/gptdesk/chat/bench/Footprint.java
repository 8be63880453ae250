package com.gptdesk.chat.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * The memory of a JVM.
 *
 * @param heap bytes of what lives there, after a collection
 * @param outside bytes of what is resident beyond the heap, when that is resident as a whole
 *     ({@link #OPTIONS}); counts from a figure that only differences are free of
 */
record Footprint(long heap, long outside) {
  /**
   * A heap of one size, touched at the start: what else becomes resident is outside of it, and
   * garbage is not taken for memory that something needs.
   */
  static final List<String> OPTIONS = List.of("-Xms768m", "-Xmx768m", "-XX:+AlwaysPreTouch");

  /**
   * Asks for two collections first: buffers outside the heap go with the second.
   *
   * @param histogram a file that tells afterwards what the heap held, class by class
   */
  static Footprint of(long process, Path histogram) throws IOException, InterruptedException {
    histogram(process, histogram);
    long heap = histogram(process, histogram);
    for (String line : Files.readAllLines(Path.of("/proc/" + process + "/status"))) {
      if (line.startsWith("VmRSS:")) {
        return new Footprint(heap, Long.parseLong(line.replaceAll("\\D", "")) * 1024);
      }
    }
    throw new IOException("/proc/" + process + "/status tells no VmRSS");
  }

  private static long histogram(long process, Path file) throws IOException, InterruptedException {
    Process jcmd =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "jcmd").toString(),
                String.valueOf(process),
                "GC.class_histogram")
            .redirectErrorStream(true)
            .redirectOutput(file.toFile())
            .start();
    if (!jcmd.waitFor(60, TimeUnit.SECONDS)) {
      jcmd.destroyForcibly();
      throw new IOException("jcmd did not answer within a minute");
    }
    List<String> lines = Files.readAllLines(file);
    String[] total = lines.getLast().trim().split("\\s+");
    if (!total[0].equals("Total")) {
      throw new IOException("jcmd gave no histogram: " + lines.getFirst());
    }
    return Long.parseLong(total[2]);
  }
}
