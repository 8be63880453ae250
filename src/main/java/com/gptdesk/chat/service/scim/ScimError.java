package com.gptdesk.chat.service.scim;

import com.gptdesk.chat.service.http.Reply;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Why a request is refused, as SCIM says it (RFC 7644, 3.12). Control flow, so no stack trace. */
public final class ScimError extends RuntimeException {
  private static final long serialVersionUID = 1;
  private static final JsonMapper JSON = JsonMapper.shared();

  private final int status;
  private final @Nullable String scimType;

  /**
   * @param status HTTP status
   * @param scimType SCIM's word for the reason; null where it has none
   * @param detail a sentence for whoever runs the identity provider
   */
  public ScimError(int status, @Nullable String scimType, String detail) {
    super(detail, null, false, false);
    this.status = status;
    this.scimType = scimType;
  }

  static ScimError invalidValue(String detail) {
    return new ScimError(400, "invalidValue", detail);
  }

  static ScimError invalidSyntax(String detail) {
    return new ScimError(400, "invalidSyntax", detail);
  }

  /** The response. */
  public Reply reply() {
    ObjectNode body = JSON.createObjectNode();
    body.putArray("schemas").add("urn:ietf:params:scim:api:messages:2.0:Error");
    body.put("status", String.valueOf(status));
    if (scimType != null) {
      body.put("scimType", scimType);
    }
    body.put("detail", getMessage());
    Reply reply =
        new Reply(status, ScimEndpoint.MEDIA_TYPE, Map.of(), JSON.writeValueAsString(body));
    return switch (status) {
      case 401 -> reply.withHeader("WWW-Authenticate", "Bearer");
      case 429, 503 -> reply.withHeader("Retry-After", "1");
      default -> reply;
    };
  }
}
