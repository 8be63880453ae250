package com.gptdesk.chat.service;

import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.database.embedded.EmbeddedDatabase;
import org.jspecify.annotations.Nullable;

/**
 * The database of the settings: the one at {@code CHAT_DATABASE_URL}, otherwise an embedded one,
 * which runs while this is open.
 *
 * @param embedded null for an external database
 * @param service the runtime login
 * @param owner the login that migrates; null when the service does not
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

  /**
   * Like {@link #open}, or the embedded database that another process serves from the data
   * directory.
   */
  static DatabaseSource openOrJoin(DatabaseSettings settings) {
    Login served =
        settings.embedded() ? EmbeddedDatabase.ownerWhileServed(settings.dataDirectory()) : null;
    return served == null ? open(settings) : new DatabaseSource(null, served, served);
  }

  Login requireOwner() {
    if (owner == null) {
      throw new IllegalStateException(
          "For this, set CHAT_OWNER_USER and CHAT_OWNER_PASSWORD to the login that owns the database.");
    }
    return owner;
  }

  /** The login for inspection: the owner when one is set. */
  Login ownerOrService() {
    return owner != null ? owner : service;
  }

  /** Only for the embedded database; elsewhere it is the DBA's task. */
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
