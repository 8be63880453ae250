package com.gptdesk.chat.testing;

import java.io.IOException;
import java.net.BindException;
import java.net.ServerSocket;
import java.util.concurrent.ThreadLocalRandom;

/**
 * A port for somebody who cannot choose one, or who comes back to it. Whoever asks the kernel for
 * any port, or connects, is given another: this is below those.
 */
public final class FreePort {
  private static final int LEAST = 16_000;
  private static final int MOST = 32_000;

  private FreePort() {}

  /** One at which nobody listens. */
  public static int any() throws IOException {
    while (true) {
      int port = ThreadLocalRandom.current().nextInt(LEAST, MOST);
      try (ServerSocket free = new ServerSocket(port)) {
        return free.getLocalPort();
      } catch (BindException taken) {
        continue;
      }
    }
  }
}
