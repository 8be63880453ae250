package com.gptdesk.chat.service;

import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.database.embedded.EmbeddedDatabase;
import org.jspecify.annotations.Nullable;

/**
 * The database that the settings name: the one at {@code CHAT_DATABASE_URL}, else an embedded one,
 * which runs for as long as this is open.
 *
 * @param embedded null for a database of somebody else's
 * @param service as whom the service enters
 * @param owner who migrates; null when that is somebody else's task
 */
record DatabaseSource(@Nullable EmbeddedDatabase embedded, Login service, @Nullable Login owner)
    implements AutoCloseable {

  static DatabaseSource open(DatabaseSettings settings) {
    Login given = settings.service();
    if (given != null) {
      return new DatabaseSource(null, given, settings.owner());
    }
    EmbeddedDatabase embedded = EmbeddedDatabase.open(settings.dataDirectory());
    return new DatabaseSource(embedded, embedded.service(), embedded.owner());
  }

  /** As {@link #open}, or what another process of ours serves from the data directory just now. */
  static DatabaseSource openOrJoin(DatabaseSettings settings) {
    Login served =
        settings.embedded() ? EmbeddedDatabase.ownerWhileServed(settings.dataDirectory()) : null;
    return served == null ? open(settings) : new DatabaseSource(null, served, served);
  }

  Login requireOwner() {
    if (owner == null) {
      throw new IllegalStateException(
          "For this, set CHAT_OWNER_USER and CHAT_OWNER_PASSWORD to who owns the database.");
    }
    return owner;
  }

  /** For looking, the owner when one is named. */
  Login ownerOrService() {
    return owner != null ? owner : service;
  }

  /** The DBA's task at a database that is not ours. */
  void admitService() {
    if (embedded != null) {
      embedded.admitService();
    }
  }

  @Override
  public void close() {
    if (embedded != null) {
      embedded.close();
    }
  }
}
