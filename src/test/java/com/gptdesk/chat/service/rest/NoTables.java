package com.gptdesk.chat.service.rest;

import com.gptdesk.chat.service.auth.TokenVerifier;
import com.gptdesk.chat.service.database.ServiceDatabase;
import com.gptdesk.chat.service.http.RequestLimits;
import java.util.List;
import java.util.Map;
import org.postgresql.ds.PGSimpleDataSource;

/** An endpoint without a database, which serves no table. */
public final class NoTables {
  private NoTables() {}

  public static RestEndpoint endpoint(TokenVerifier tokens, RequestLimits limits) {
    return new RestEndpoint(
        new ServiceDatabase(new PGSimpleDataSource()),
        catalogue(),
        RestLimits.DEFAULT,
        tokens,
        limits,
        false,
        true,
        () -> {});
  }

  /** Rows of functions, in which nothing can be embedded. */
  public static FunctionRows rows() {
    return new FunctionRows(catalogue(), RestLimits.DEFAULT);
  }

  private static TableCatalogue catalogue() {
    return new TableCatalogue(
        () -> new TableCatalogue.Tables(Map.of(), List.of()), System::nanoTime);
  }
}
