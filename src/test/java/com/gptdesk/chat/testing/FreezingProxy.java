package com.gptdesk.chat.testing;

import com.gptdesk.chat.database.connection.Login;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A wire to a server that can be made half open: a frozen connection forwards nothing any more, and
 * neither side hears that it ended. Connections that are held never reach the server.
 */
public final class FreezingProxy implements AutoCloseable {
  private final URI target;
  private final ServerSocket server;
  private final Collection<Wire> wires = new CopyOnWriteArrayList<>();
  private volatile boolean holdsNew;

  private FreezingProxy(URI target) throws IOException {
    this.target = target;
    this.server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    Thread.ofVirtual().name("freezing-proxy").start(this::accept);
  }

  /** To the server of this login. */
  public static FreezingProxy to(Login login) {
    return to(URI.create(login.url().substring("jdbc:".length())));
  }

  /** To the server at this host and port. */
  public static FreezingProxy to(URI server) {
    try {
      return new FreezingProxy(server);
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The same login, through this proxy. */
  public Login through(Login login) {
    return new Login(
        login
            .url()
            .replace(
                "//" + target.getRawAuthority(),
                "//" + server.getInetAddress().getHostAddress() + ":" + server.getLocalPort()),
        login.user(),
        login.password());
  }

  /** The same address, through this proxy. */
  public String through(URI server) {
    return "%s://%s:%d"
        .formatted(
            server.getScheme(),
            this.server.getInetAddress().getHostAddress(),
            this.server.getLocalPort());
  }

  /** From now on new connections are frozen from their start. */
  public void holdNew() {
    holdsNew = true;
  }

  /** From now on new connections pass. Those that were held or frozen stay so. */
  public void admitNew() {
    holdsNew = false;
  }

  /** Freezes all connections that are open. */
  public void freezeAll() {
    freeze(wire -> true);
  }

  /**
   * Freezes the connections that the database sees at these ports.
   *
   * @param clientPorts as {@code pg_stat_activity.client_port} has them
   */
  public void freeze(List<Integer> clientPorts) {
    freeze(wire -> clientPorts.contains(wire.clientPort()));
  }

  private void freeze(Predicate<Wire> which) {
    wires.stream().filter(which).forEach(wire -> wire.frozen = true);
  }

  private void accept() {
    try {
      while (true) {
        Socket client = server.accept();
        boolean held = holdsNew;
        var wire = new Wire(client, held ? null : new Socket(target.getHost(), target.getPort()));
        wire.frozen = held;
        wires.add(wire);
        wire.start();
      }
    } catch (IOException e) {
      if (!server.isClosed()) {
        throw new IllegalStateException(e);
      }
    }
  }

  @Override
  public void close() throws IOException {
    server.close();
    for (Wire wire : wires) {
      wire.end();
    }
  }

  private static final class Wire {
    private final Socket client;
    private final @Nullable Socket target;
    volatile boolean frozen;

    Wire(Socket client, @Nullable Socket target) {
      this.client = client;
      this.target = target;
    }

    int clientPort() {
      return target == null ? -1 : target.getLocalPort();
    }

    void start() {
      if (target != null) {
        Thread.ofVirtual().start(() -> forward(client, target));
        Thread.ofVirtual().start(() -> forward(target, client));
      }
    }

    /** Reads on while frozen, and says nothing of it to the other side. */
    private void forward(Socket from, Socket to) {
      byte[] some = new byte[8192];
      try {
        for (int read; (read = from.getInputStream().read(some)) >= 0; ) {
          if (!frozen) {
            to.getOutputStream().write(some, 0, read);
          }
        }
      } catch (IOException e) {
        // ended by one of the two, or by the test
      }
      if (!frozen) {
        end();
      }
    }

    void end() {
      try {
        client.close();
        if (target != null) {
          target.close();
        }
      } catch (IOException e) {
        throw new IllegalStateException(e);
      }
    }
  }
}
