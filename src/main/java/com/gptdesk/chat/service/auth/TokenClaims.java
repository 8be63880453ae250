package com.gptdesk.chat.service.auth;

import com.gptdesk.chat.database.Caller;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Which claims say who somebody is, and as what. A claim is named, or found by a JSON pointer (RFC
 * 6901), which begins with a slash: {@code sub}, {@code /app_metadata/role}.
 *
 * @param person has the person's id, a UUID
 * @param role has the role: anon, authenticated or service_role
 * @param otherwise the role of a token without that claim
 */
public record TokenClaims(String person, String role, Caller.Role otherwise) {
  static final String SUB = "sub";
  static final String ROLE = "role";

  /** As PostgREST: {@code sub} and {@code role}, and nobody without a role. */
  public static final TokenClaims USUAL = new TokenClaims(SUB, ROLE, Caller.Role.ANON);

  static @Nullable JsonNode find(String claim, ObjectNode claims) {
    JsonNode found = claim.startsWith("/") ? claims.at(claim) : claims.get(claim);
    return found == null || found.isMissingNode() ? null : found;
  }
}
