package com.gptdesk.chat.service.auth;

/**
 * A token that is not accepted, and why. The message is meant for whoever sent it and never repeats
 * the token.
 */
public final class InvalidToken extends RuntimeException {
  private static final long serialVersionUID = 1;

  /** Why a token is not accepted. */
  public enum Reason {
    /** Not a signed token at all. */
    MALFORMED,
    /**
     * Signed by somebody else, by an unknown key, or with an algorithm that is not the configured
     * one.
     */
    BAD_SIGNATURE,
    EXPIRED,
    /** {@code nbf} or {@code iat} lies in the future. */
    NOT_YET_VALID,
    /** A claim that must be there is missing or has no usable value. */
    MISSING_CLAIM,
    WRONG_AUDIENCE,
    WRONG_ISSUER,
    /** {@code role} is none of anon, authenticated, service_role. */
    UNKNOWN_ROLE,
    /** The signing keys cannot be read at the moment; the token may well be good. */
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
