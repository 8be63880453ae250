package com.gptdesk.chat.service.auth;

/** A token is not accepted, and why. The message is for its sender and never repeats the token. */
public final class InvalidToken extends RuntimeException {
  private static final long serialVersionUID = 1;

  /** Why a token is not accepted. */
  public enum Reason {
    /** Not a signed token. */
    MALFORMED,
    /** Signed with another or unknown key, or with an algorithm that is not configured. */
    BAD_SIGNATURE,
    EXPIRED,
    /** {@code nbf} or {@code iat} lies in the future. */
    NOT_YET_VALID,
    /** A required claim is missing or has no valid value. */
    MISSING_CLAIM,
    WRONG_AUDIENCE,
    WRONG_ISSUER,
    /** {@code role} is not anon, authenticated or service_role. */
    UNKNOWN_ROLE,
    /** The signing keys cannot be read now; the token may be valid. */
    KEYS_UNAVAILABLE
  }

  private final Reason reason;

  InvalidToken(Reason reason, String message) {
    super(message);
    this.reason = reason;
  }

  InvalidToken(Reason reason, String message, Throwable cause) {
    super(message, cause);
    this.reason = reason;
  }

  /** Why. */
  public Reason reason() {
    return reason;
  }

  @Override
  public String getMessage() {
    return String.valueOf(super.getMessage());
  }
}
