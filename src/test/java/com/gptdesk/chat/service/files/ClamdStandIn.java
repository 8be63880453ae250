package com.gptdesk.chat.service.files;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.jspecify.annotations.Nullable;

/** What speaks clamd's INSTREAM, and answers as it is told. */
public final class ClamdStandIn implements AutoCloseable {
  /** What it was shown, whole. */
  public final BlockingQueue<byte[]> shown = new LinkedBlockingQueue<>();

  private final ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
  private volatile @Nullable String answer = "stream: OK";

  public ClamdStandIn() throws IOException {
    Thread.ofVirtual().start(this::serve);
  }

  /** Answers so from now on; null for never. */
  public void answers(@Nullable String text) {
    answer = text;
  }

  public String address() {
    return "clamd://127.0.0.1:" + server.getLocalPort();
  }

  private void serve() {
    try {
      while (true) {
        Socket client = server.accept();
        Thread.ofVirtual().start(() -> answer(client));
      }
    } catch (IOException e) {
      // It was closed.
    }
  }

  private void answer(Socket client) {
    try (client) {
      DataInputStream in = new DataInputStream(client.getInputStream());
      byte[] command = in.readNBytes(10);
      if (!new String(command, StandardCharsets.US_ASCII).equals("zINSTREAM\0")) {
        return;
      }
      ByteArrayOutputStream came = new ByteArrayOutputStream();
      for (int length = in.readInt(); length > 0; length = in.readInt()) {
        came.write(in.readNBytes(length));
      }
      shown.add(came.toByteArray());
      String told = answer;
      OutputStream out = client.getOutputStream();
      if (told == null) {
        wait(client.getInputStream());
      } else {
        out.write((told + "\0").getBytes(StandardCharsets.UTF_8));
      }
    } catch (IOException e) {
      // The client has gone.
    }
  }

  private static void wait(InputStream in) throws IOException {
    if (in.read() >= 0) {
      throw new IOException("Nothing follows the end");
    }
  }

  @Override
  public void close() throws IOException {
    server.close();
  }
}
