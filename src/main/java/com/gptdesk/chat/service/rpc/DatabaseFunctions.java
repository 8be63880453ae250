package com.gptdesk.chat.service.rpc;

import static org.jooq.impl.DSL.field;
import static org.jooq.impl.DSL.name;

import com.gptdesk.chat.database.internal.chat.Routines;
import com.gptdesk.chat.database.internal.chat.tables.records.CallableFunctionsRecord;
import com.gptdesk.chat.service.database.ServiceDatabase;
import com.gptdesk.chat.service.rpc.CallableFunction.Result;
import java.util.List;
import java.util.Set;
import org.jooq.JSON;
import org.jooq.Record1;

/**
 * The functions as described by the database's schema chat, for the {@link FunctionCatalogue}.
 *
 * @param others names of functions that are served beside the chat's own; a star stands for any
 *     letters
 */
public record DatabaseFunctions(ServiceDatabase database, List<String> others)
    implements FunctionCatalogue.Source {

  public DatabaseFunctions {
    others = List.copyOf(others);
  }

  /** Only the chat's own functions. */
  public DatabaseFunctions(ServiceDatabase database) {
    this(database, List.of());
  }

  @Override
  public List<CallableFunction> functions() {
    return database.asItself(
        tx ->
            Routines.callableFunctions(tx.configuration(), others.toArray(String[]::new)).stream()
                .map(DatabaseFunctions::described)
                .toList());
  }

  @Override
  public String statement(String function, List<String> argumentNames) {
    return database.asItself(
        tx ->
            Routines.callStatement(
                tx.configuration(),
                function,
                argumentNames.toArray(String[]::new),
                others.toArray(String[]::new)));
  }

  @Override
  public String statement(String function, List<String> argumentNames, String shape) {
    return database.asItself(
        tx ->
            Routines.shapedStatement(
                tx.configuration(),
                function,
                argumentNames.toArray(String[]::new),
                others.toArray(String[]::new),
                JSON.json(shape)));
  }

  @Override
  public Set<String> timeZones() {
    return database.asItself(
        tx ->
            Set.copyOf(
                tx.select(field(name("name"), String.class))
                    .from(name("pg_catalog", "pg_timezone_names"))
                    .fetch(Record1::value1)));
  }

  private static CallableFunction described(CallableFunctionsRecord row) {
    return new CallableFunction(
        row.getName(),
        row.getIsVolatile(),
        Result.of(row.getReturnsKind()),
        List.of(row.getArgumentNames()),
        List.of(row.getArgumentTypes()),
        row.getRequiredArguments(),
        row.getIsOurs());
  }
}
