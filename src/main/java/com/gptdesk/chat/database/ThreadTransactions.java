package com.gptdesk.chat.database;

import java.sql.Connection;
import java.util.function.Function;
import java.util.function.Supplier;
import javax.sql.DataSource;
import org.jooq.DSLContext;
import org.jooq.SQLDialect;
import org.jooq.impl.DSL;
import org.jspecify.annotations.Nullable;

/** The transaction that a framework has opened for this thread, otherwise one of its own. */
final class ThreadTransactions implements Transactions {

  private final Transactions own;
  private final Supplier<? extends @Nullable Connection> open;

  ThreadTransactions(DataSource dataSource, Supplier<? extends @Nullable Connection> open) {
    this.own = new OwnTransactions(dataSource);
    this.open = open;
  }

  private Transactions current() {
    Connection connection = open.get();
    return connection == null
        ? own
        : new JoinedTransactions(DSL.using(connection, SQLDialect.POSTGRES).configuration());
  }

  @Override
  public <T extends @Nullable Object> T run(Function<DSLContext, T> work) {
    return current().run(work);
  }

  @Override
  public <T extends @Nullable Object> T single(Work<T> work) {
    return current().single(work);
  }

  @Override
  public @Nullable DataSource pool() {
    return current().pool();
  }

  @Override
  public boolean endElsewhere() {
    return current().endElsewhere();
  }

  @Override
  public boolean mayRepeat() {
    return current().mayRepeat();
  }
}
