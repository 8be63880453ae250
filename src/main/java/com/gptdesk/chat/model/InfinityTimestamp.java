package com.gptdesk.chat.model;

import java.sql.SQLException;
import java.time.OffsetDateTime;
import org.jooq.Binding;
import org.jooq.BindingGetResultSetContext;
import org.jooq.BindingGetSQLInputContext;
import org.jooq.BindingGetStatementContext;
import org.jooq.BindingRegisterContext;
import org.jooq.BindingSQLContext;
import org.jooq.BindingSetSQLOutputContext;
import org.jooq.BindingSetStatementContext;
import org.jooq.Converter;
import org.jooq.conf.ParamType;
import org.jooq.impl.DefaultBinding;
import org.jooq.impl.SQLDataType;
import org.jspecify.annotations.Nullable;

/**
 * A {@code timestamptz} that may be {@code infinity}, represented by {@link OffsetDateTime#MAX};
 * the generated code uses it. Thread-safe.
 */
public final class InfinityTimestamp implements Binding<OffsetDateTime, OffsetDateTime> {

  private static final long serialVersionUID = 1;

  private static final String NEVER = "infinity";

  private static final Binding<OffsetDateTime, OffsetDateTime> MOMENT =
      DefaultBinding.binding(SQLDataType.TIMESTAMPWITHTIMEZONE);

  /** Created by jOOQ. */
  public InfinityTimestamp() {}

  @Override
  public Converter<OffsetDateTime, OffsetDateTime> converter() {
    return MOMENT.converter();
  }

  @Override
  public void sql(BindingSQLContext<OffsetDateTime> context) throws SQLException {
    if (isNever(context.value()) && context.render().paramType() == ParamType.INLINED) {
      context.render().sql("timestamptz '" + NEVER + "'");
    } else {
      MOMENT.sql(context);
    }
  }

  @Override
  public void register(BindingRegisterContext<OffsetDateTime> context) throws SQLException {
    MOMENT.register(context);
  }

  @Override
  public void set(BindingSetStatementContext<OffsetDateTime> context) throws SQLException {
    if (isNever(context.value())) {
      context.statement().setString(context.index(), NEVER);
    } else {
      MOMENT.set(context);
    }
  }

  @Override
  public void set(BindingSetSQLOutputContext<OffsetDateTime> context) throws SQLException {
    MOMENT.set(context);
  }

  @Override
  public void get(BindingGetResultSetContext<OffsetDateTime> context) throws SQLException {
    if (NEVER.equals(context.resultSet().getString(context.index()))) {
      context.value(OffsetDateTime.MAX);
    } else {
      MOMENT.get(context);
    }
  }

  @Override
  public void get(BindingGetStatementContext<OffsetDateTime> context) throws SQLException {
    MOMENT.get(context);
  }

  @Override
  public void get(BindingGetSQLInputContext<OffsetDateTime> context) throws SQLException {
    MOMENT.get(context);
  }

  private static boolean isNever(@Nullable OffsetDateTime moment) {
    return OffsetDateTime.MAX.equals(moment);
  }
}
