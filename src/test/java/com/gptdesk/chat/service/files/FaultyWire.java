package com.gptdesk.chat.service.files;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/** A wire to an HTTP server with a fault of one's choice, for new connections. */
public final class FaultyWire implements AutoCloseable {
  /** What is wrong with a connection. */
  public enum Fault {
    NONE,
    /** The server refuses each request with 503. */
    REFUSES,
    /** Nothing ever comes back, and nothing is passed on. */
    SILENT,
    /** It breaks while the request is on its way. */
    CUTS_REQUESTS,
    /** It breaks while the answer is on its way. */
    CUTS_ANSWERS,
    /** The request arrives, and its answer never comes. */
    LOSES_ANSWERS,
    /** One byte of the request's body is changed. */
    CHANGES_BYTES
  }

  /** What passes before a connection is cut: heads of messages, and some of their bodies. */
  private static final int CUT_AFTER = 6_000;

  private final URI target;
  private final ServerSocket server;
  private final Collection<Socket> sockets = new CopyOnWriteArrayList<>();
  private final AtomicInteger faulty = new AtomicInteger();
  private volatile Fault fault = Fault.NONE;

  public FaultyWire(URI target) throws IOException {
    this.target = target;
    this.server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    Thread.ofVirtual().name("faulty-wire").start(this::accept);
  }

  public URI address() {
    return URI.create("http://127.0.0.1:" + server.getLocalPort());
  }

  /** All connections from now on; those that are open end. */
  public void breaks(Fault each) throws IOException {
    breaks(each, Integer.MAX_VALUE);
  }

  /** So many connections from now on; those that are open end. */
  public void breaks(Fault each, int connections) throws IOException {
    fault = each;
    faulty.set(connections);
    for (Socket socket : sockets) {
      socket.close();
    }
    sockets.clear();
  }

  private void accept() {
    while (!server.isClosed()) {
      try {
        Socket client = server.accept();
        sockets.add(client);
        Fault its = faulty.getAndDecrement() > 0 ? fault : Fault.NONE;
        Thread.ofVirtual().start(() -> carry(client, its));
      } catch (IOException e) {
        // closed by the test
      }
    }
  }

  private void carry(Socket client, Fault its) {
    try {
      switch (its) {
        case SILENT -> {}
        case REFUSES -> refuse(client);
        default -> {
          Socket there = new Socket(target.getHost(), target.getPort());
          sockets.add(there);
          Thread.ofVirtual().start(() -> forward(there, client, its, false));
          forward(client, there, its, true);
        }
      }
    } catch (IOException e) {
      // ended by one of the two, or by the test
    }
  }

  private static void refuse(Socket client) throws IOException {
    try (client) {
      InputStream in = client.getInputStream();
      StringBuilder head = new StringBuilder();
      while (!head.toString().endsWith("\r\n\r\n")) {
        int read = in.read();
        if (read < 0) {
          return;
        }
        head.append((char) read);
      }
      client
          .getOutputStream()
          .write(
              "HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                  .getBytes(StandardCharsets.US_ASCII));
      client.shutdownOutput();
      in.transferTo(OutputStream.nullOutputStream()); // so that the answer is read, not reset
    }
  }

  private static void forward(Socket from, Socket to, Fault its, boolean isRequest) {
    byte[] some = new byte[1024];
    int passed = 0;
    try (from;
        to) {
      InputStream in = from.getInputStream();
      for (int read = in.read(some); read >= 0; read = in.read(some)) {
        if (!isRequest && its == Fault.LOSES_ANSWERS) {
          return;
        }
        if (isRequest && its == Fault.CHANGES_BYTES && passed > CUT_AFTER) {
          some[read - 1] ^= 1;
        }
        to.getOutputStream().write(some, 0, read);
        passed += read;
        if (passed > CUT_AFTER && its == (isRequest ? Fault.CUTS_REQUESTS : Fault.CUTS_ANSWERS)) {
          return;
        }
      }
    } catch (IOException e) {
      // ended by one of the two, or by the test
    }
  }

  @Override
  public void close() throws IOException {
    server.close();
    breaks(Fault.NONE);
  }
}
