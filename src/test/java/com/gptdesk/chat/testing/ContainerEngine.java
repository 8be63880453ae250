package com.gptdesk.chat.testing;

import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.File;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.util.Arrays;
import java.util.List;

/**
 * A container engine for a test that wants one. Where none answers, or an image would have to be
 * fetched, the test is skipped, loudly; {@code CHAT_REQUIRE=containers} makes the first a failure
 * and lets the second be fetched.
 */
final class ContainerEngine {

  private ContainerEngine() {}

  /** By the rule of {@code scripts/test}; says so where there is none. */
  static boolean has(String image) {
    boolean required =
        Arrays.asList(String.valueOf(System.getenv("CHAT_REQUIRE")).split(","))
            .contains("containers");
    String host = System.getenv("DOCKER_HOST");
    if ((host == null || host.isEmpty()) && !succeeds("docker", "info")) {
      String missing =
          "no container engine answers: start Docker, or set DOCKER_HOST, to try @ChatDatabase(image).";
      assertFalse(required, missing);
      return skipped(missing);
    }
    if (!required
        && !succeeds("docker", "image", "inspect", image)
        && !succeeds("podman", "image", "inspect", image)) {
      return skipped(
          "the image %s is not here: pull it, to try @ChatDatabase(image).".formatted(image));
    }
    return true;
  }

  private static boolean skipped(String missing) {
    System.err.println("*** SKIPPED containers: " + missing);
    return false;
  }

  private static boolean succeeds(String... command) {
    try {
      return new ProcessBuilder(List.of(command))
              .redirectInput(new File("/dev/null"))
              .redirectOutput(Redirect.DISCARD)
              .redirectError(Redirect.DISCARD)
              .start()
              .waitFor()
          == 0;
    } catch (IOException e) {
      return false; // not installed
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
