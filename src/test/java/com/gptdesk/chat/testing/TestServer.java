package com.gptdesk.chat.testing;

import com.gptdesk.chat.database.connection.Login;
import java.nio.file.Path;

/**
 * A PostgreSQL server of the tests' own, with the logins and the empty database {@code chat} that
 * the service's own one has too: {@code chat_owner}, who may create roles and is no superuser, and
 * {@code chat_login}.
 *
 * <p>The system property {@code chat.postgres} says which: 15, 16, 17 or 18 (the default) for the
 * embedded one of that version, {@code container} for PostgreSQL 18 in a container of the engine
 * that {@code DOCKER_HOST} names, or a directory of binaries for the installation there, with its
 * own settings and the locale that {@code chat.postgres.locale} names.
 */
public interface TestServer extends AutoCloseable {

  /** A new one, up and running. Takes one to five seconds. */
  static TestServer start() {
    return start(System.getProperty("chat.postgres", "18"), false);
  }

  /**
   * A new one of that kind.
   *
   * @param wanted as {@code chat.postgres} says it
   * @param durable whether it keeps what it has confirmed
   */
  static TestServer start(String wanted, boolean durable) {
    if (wanted.contains("/")) {
      return new InstalledServer(
          Path.of(wanted), System.getProperty("chat.postgres.locale", ""), durable);
    }
    return wanted.equals("container")
        ? new ContainerServer(durable)
        : new EmbeddedServer(Integer.parseInt(wanted), durable);
  }

  /** For roles, backends and statistics. */
  Login superuser();

  /** Who migrates. */
  Login owner();

  /** As whom the service enters, after {@link #admitService}. */
  Login service();

  /** Makes {@code chat_login} a member of {@code chat_service}; after the first migration. */
  void admitService();

  @Override
  void close();

  /** The same person at another database of this server. */
  default Login at(Login login, String database) {
    String server = login.url().substring(0, login.url().lastIndexOf('/') + 1);
    return new Login(server + database, login.user(), login.password());
  }
}
