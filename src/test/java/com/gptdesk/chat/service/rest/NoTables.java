package com.gptdesk.chat.service.rest;

import com.gptdesk.chat.service.auth.TokenVerifier;
import com.gptdesk.chat.service.database.ServiceDatabase;
import com.gptdesk.chat.service.http.CallGuard;
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
        new TableCatalogue(() -> new TableCatalogue.Tables(Map.of(), List.of()), System::nanoTime),
        RestLimits.DEFAULT,
        new CallGuard(tokens, limits, true),
        () -> {});
  }
}
