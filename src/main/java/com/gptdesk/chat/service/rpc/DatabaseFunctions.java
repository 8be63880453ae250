package com.gptdesk.chat.service.rpc;

import com.gptdesk.chat.database.internal.chat.Routines;
import com.gptdesk.chat.database.internal.chat.tables.records.CallableFunctionsRecord;
import com.gptdesk.chat.service.database.ServiceDatabase;
import com.gptdesk.chat.service.database.TimeZones;
import com.gptdesk.chat.service.rest.FunctionRows;
import com.gptdesk.chat.service.rpc.CallableFunction.Result;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

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
  public String statement(CallableFunction function, List<String> argumentNames) {
    return database.asItself(
        tx ->
            Routines.callStatement(
                tx.configuration(),
                function.name(),
                argumentNames.toArray(String[]::new),
                others.toArray(String[]::new),
                function.bodyType()));
  }

  @Override
  public String rows(CallableFunction function, List<String> argumentNames, boolean withRow) {
    return database.asItself(
        tx ->
            Routines.rowsStatement(
                tx.configuration(),
                function.name(),
                argumentNames.toArray(String[]::new),
                others.toArray(String[]::new),
                function.bodyType(),
                withRow));
  }

  @Override
  public Set<String> timeZones() {
    return TimeZones.in(database);
  }

  private static CallableFunction described(CallableFunctionsRecord row) {
    return new CallableFunction(
        row.getName(),
        row.getIsVolatile(),
        Result.of(row.getReturnsKind()),
        List.of(row.getArgumentNames()),
        List.of(row.getArgumentTypes()),
        row.getRequiredArguments(),
        row.getIsOurs(),
        new FunctionRows.Result(
            row.getResultTable(), typed(row.getResultColumns(), row.getResultTypes())),
        Set.of(row.getExecutableBy()),
        row.getComment());
  }

  private static Map<String, String> typed(String[] names, String[] types) {
    Map<String, String> typed = new LinkedHashMap<>();
    for (int i = 0; i < names.length; i++) {
      typed.put(names[i], types[i]);
    }
    return typed;
  }
}
