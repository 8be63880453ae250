package com.gptdesk.chat.service.realtime.socket;

/** The WebSocket's close codes that the server sends. */
final class CloseCode {
  static final short NORMAL = 1000;
  static final short PROTOCOL_ERROR = 1002;
  static final short POLICY_VIOLATION = 1008;
  static final short MESSAGE_TOO_BIG = 1009;
  static final short SERVER_FAULT = 1011;
  static final short SERVICE_RESTART = 1012;
  static final short TRY_AGAIN_LATER = 1013;

  private CloseCode() {}
}
