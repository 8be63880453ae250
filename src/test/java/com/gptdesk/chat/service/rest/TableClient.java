package com.gptdesk.chat.service.rest;

import com.gptdesk.chat.service.auth.TokenIssuer;
import com.gptdesk.chat.service.auth.TokenSettings;
import com.gptdesk.chat.service.auth.TokenVerifier;
import com.gptdesk.chat.service.database.ServiceDatabase;
import com.gptdesk.chat.service.http.Reply;
import com.gptdesk.chat.service.http.RequestLimits;
import com.gptdesk.chat.testing.TestDatabase;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Somebody who asks for tables; addresses are written decoded. */
record TableClient(RestEndpoint endpoint, @Nullable String token, Map<String, String> headers) {
  private static final String SECRET = "a secret that is at least 32 bytes long";

  /**
   * @param person null for nobody
   */
  static TableClient of(TestDatabase database, RestLimits limits, @Nullable UUID person) {
    return of(database, limits, List.of(), false, person);
  }

  /**
   * @param functions that are served, too
   * @param mayRollBack whether a write may be undone after its answer
   * @param person null for nobody
   */
  static TableClient of(
      TestDatabase database,
      RestLimits limits,
      List<String> functions,
      boolean mayRollBack,
      @Nullable UUID person) {
    return of(database.chat(), limits, functions, mayRollBack, person);
  }

  /** The same with connections of one's own. */
  static TableClient of(
      ServiceDatabase database,
      RestLimits limits,
      List<String> functions,
      boolean mayRollBack,
      @Nullable UUID person) {
    RestEndpoint endpoint =
        new RestEndpoint(
            database,
            new TableCatalogue(database, limits.served(), functions),
            limits,
            new TokenVerifier(TokenSettings.ofSecret(SECRET)),
            RequestLimits.ample(),
            mayRollBack,
            true,
            () -> {});
    return new TableClient(endpoint, null, Map.of()).as(person);
  }

  TableClient as(@Nullable UUID person) {
    return new TableClient(
        endpoint,
        person == null
            ? null
            : "Bearer " + new TokenIssuer(SECRET).forUser(person, Duration.ofMinutes(5)),
        headers);
  }

  /** With these headers, given as name and value in turn. */
  TableClient with(String name, String value) {
    return new TableClient(endpoint, token, Map.of(name, value));
  }

  Reply get(String address) {
    return ask("GET", address, "");
  }

  Reply ask(String method, String address, String body) {
    String[] parts = address.split("\\?", 2);
    List<Map.Entry<String, String>> query = new ArrayList<>();
    for (String parameter : parts.length == 1 ? new String[0] : parts[1].split("&", -1)) {
      // An ampersand with spaces around it belongs to a search.
      if (parameter.startsWith(" ") && !query.isEmpty()) {
        Map.Entry<String, String> last = query.removeLast();
        query.add(Map.entry(last.getKey(), last.getValue() + "&" + parameter));
      } else {
        String[] pair = parameter.split("=", 2);
        query.add(Map.entry(pair[0], pair.length == 1 ? "" : pair[1]));
      }
    }
    return endpoint.answer(
        new RestRequest(
            method,
            parts[0],
            query,
            token,
            null,
            headers.get("Profile"),
            headers.get("Accept"),
            headers.getOrDefault("Content-Type", "application/json"),
            headers.get("Prefer"),
            headers.get("Range"),
            ByteBuffer.wrap(body.getBytes(StandardCharsets.UTF_8)),
            headers.entrySet()));
  }
}
