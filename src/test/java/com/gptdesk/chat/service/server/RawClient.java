package com.gptdesk.chat.service.server;

import com.gptdesk.chat.testing.Await;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Callable;

/** Sends what a well-behaved client does not. */
public final class RawClient {
  private static final int MILLIS_BETWEEN_BYTES = 50;

  private RawClient() {}

  /**
   * All that comes back until the connection is closed.
   *
   * @param goesOn byte by byte after the request, for as long as it is let
   */
  public static String said(int port, String request, boolean goesOn) throws IOException {
    var said = new ByteArrayOutputStream();
    try (Socket socket = new Socket("127.0.0.1", port)) {
      socket.setSoTimeout(MILLIS_BETWEEN_BYTES);
      socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
      long deadline = System.nanoTime() + Await.PATIENCE.toNanos();
      while (System.nanoTime() < deadline) {
        try {
          int next = socket.getInputStream().read();
          if (next < 0) {
            return said.toString(StandardCharsets.UTF_8);
          }
          said.write(next);
        } catch (SocketTimeoutException e) {
          if (goesOn) {
            socket.getOutputStream().write('a');
          }
        }
      }
      return "still open after: " + said.toString(StandardCharsets.UTF_8);
    } catch (SocketException e) {
      return said.toString(StandardCharsets.UTF_8); // reset, while a byte was on its way
    }
  }

  /** Asks again when a moment went by before the request was sent, so that nothing was answered. */
  public static String answered(Callable<String> request) {
    return Await.value("an answer", request, said -> !said.isEmpty());
  }

  /** The first line of the answer, whatever happens to the connection then. */
  static String firstLine(int port, String request) throws IOException {
    try (Socket socket = new Socket("127.0.0.1", port)) {
      socket.setSoTimeout(Await.patienceMillis());
      socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
      var read = new StringBuilder();
      for (int next = socket.getInputStream().read();
          next >= 0 && next != '\r';
          next = socket.getInputStream().read()) {
        read.append((char) next);
      }
      return read.toString();
    }
  }

  /**
   * The answer to an upgrade: its head when it is granted, else all of it, since then it ends.
   *
   * @param headers more lines, each with its end
   */
  public static String upgraded(int port, String path, String headers) throws IOException {
    var read = new StringBuilder();
    try (Socket socket = new Socket("127.0.0.1", port)) {
      socket.setSoTimeout(Await.patienceMillis());
      String request =
          "GET "
              + path
              + " HTTP/1.1\r\nHost: 127.0.0.1:"
              + port
              + "\r\n"
              + headers
              + "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13"
              + "\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
      socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
      while (!read.toString().startsWith("HTTP/1.1 101") || !read.toString().endsWith("\r\n\r\n")) {
        int next = socket.getInputStream().read();
        if (next < 0) {
          break;
        }
        read.append((char) next);
      }
      return read.toString();
    } catch (SocketException e) {
      return read.toString(); // reset, while the request was on its way
    }
  }
}
