package com.gptdesk.chat.soak;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** The network between clients and one node, which can be cut, and can go silent. */
final class Wire implements AutoCloseable {
  private record Pair(Socket client, Socket node) {}

  private final ServerSocket listening;
  private final int target;
  private final Set<Pair> pairs = ConcurrentHashMap.newKeySet();
  private final Object silence = new Object();
  private boolean silent;

  Wire(int target) throws IOException {
    this.target = target;
    this.listening = new ServerSocket(0, 1000, InetAddress.getLoopbackAddress());
    Thread.ofVirtual().start(this::accept);
  }

  int port() {
    return listening.getLocalPort();
  }

  /** Both ends hear of it at once. */
  void cut() {
    for (Pair pair : List.copyOf(pairs)) {
      end(pair);
    }
  }

  /** Nothing passes any more, and nobody is told. */
  void fallSilent() {
    synchronized (silence) {
      silent = true;
    }
  }

  void speakAgain() {
    synchronized (silence) {
      silent = false;
      silence.notifyAll();
    }
  }

  private void accept() {
    while (!listening.isClosed()) {
      try {
        Socket client = listening.accept();
        Thread.ofVirtual().start(() -> connect(client));
      } catch (IOException e) {
        return; // closed
      }
    }
  }

  private void connect(Socket client) {
    var node = new Socket();
    var pair = new Pair(client, node);
    try {
      node.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), target), 2_000);
      client.setTcpNoDelay(true);
      node.setTcpNoDelay(true);
      pairs.add(pair);
      Thread.ofVirtual().start(() -> carry(client, node, pair));
      Thread.ofVirtual().start(() -> carry(node, client, pair));
    } catch (IOException e) {
      end(pair);
    }
  }

  private void carry(Socket from, Socket to, Pair pair) {
    try {
      InputStream in = from.getInputStream();
      OutputStream out = to.getOutputStream();
      var buffer = new byte[8192];
      int read = in.read(buffer);
      while (read >= 0) {
        synchronized (silence) {
          while (silent) {
            silence.wait();
          }
        }
        out.write(buffer, 0, read);
        read = in.read(buffer);
      }
    } catch (IOException | InterruptedException e) {
      // The other end is told below.
    }
    end(pair);
  }

  private void end(Pair pair) {
    pairs.remove(pair);
    for (Socket socket : List.of(pair.client(), pair.node())) {
      try {
        socket.setSoLinger(true, 0);
        socket.close();
      } catch (IOException e) {
        // It is gone either way.
      }
    }
  }

  @Override
  public void close() throws IOException {
    listening.close();
    speakAgain();
    cut();
  }
}
