package com.gptdesk.chat.api;

import com.gptdesk.chat.api.CallableFunction.Result;
import com.gptdesk.chat.database.ChatDatabase;
import com.gptdesk.chat.database.internal.chat.Routines;
import com.gptdesk.chat.database.internal.chat.tables.records.CallableFunctionsRecord;
import java.util.List;

/**
 * What the database itself says about its functions: schema chat's side of the {@link
 * FunctionCatalogue}.
 */
record DatabaseFunctions(ChatDatabase database) implements FunctionCatalogue.Source {
  @Override
  public List<CallableFunction> functions() {
    return database.asItself(
        tx ->
            Routines.callableFunctions(tx.configuration()).stream()
                .map(DatabaseFunctions::described)
                .toList());
  }

  @Override
  public String statement(String function, List<String> argumentNames) {
    return database.asItself(
        tx ->
            Routines.callStatement(
                tx.configuration(), function, argumentNames.toArray(String[]::new)));
  }

  private static CallableFunction described(CallableFunctionsRecord row) {
    return new CallableFunction(
        row.getName(),
        row.getIsVolatile(),
        Result.of(row.getReturnsKind()),
        List.of(row.getArgumentNames()),
        List.of(row.getArgumentTypes()),
        row.getRequiredArguments());
  }
}
