package com.gptdesk.chat.service.rest;

import java.util.List;
import org.jooq.DSLContext;
import org.jooq.Query;
import org.jooq.SQLDialect;
import org.jooq.conf.Settings;
import org.jooq.impl.DSL;

/**
 * SQL with question marks, and what stands for them. Requests of one form have the same SQL,
 * whatever their values, so that the database plans it once.
 *
 * @param values texts and numbers
 * @param runsOthersCode whether an operator's functions, policies or triggers run in it, which find
 *     schema public and read the request
 */
public record Statement(String sql, List<Object> values, boolean runsOthersCode) {
  private static final Settings SETTINGS = new Settings().withExecuteLogging(false);

  /** Copies the values. */
  public Statement {
    values = List.copyOf(values);
  }

  /** The query's, made by that plan. */
  static Statement of(Query query, ReadPlan plan) {
    return of(query, plan.runsOthersCode());
  }

  static Statement of(Query query, boolean runsOthersCode) {
    DSLContext postgres = DSL.using(SQLDialect.POSTGRES, SETTINGS);
    return new Statement(postgres.render(query), postgres.extractBindValues(query), runsOthersCode);
  }

  /** The same, for the planner's opinion of it. */
  Statement explained() {
    return new Statement("explain (format json) " + sql, values, runsOthersCode);
  }
}
