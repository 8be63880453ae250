/**
 * SCIM 2.0 (RFC 7643, RFC 7644): an identity provider tells who the people are. Written here, since
 * the Java library for it needs Jackson 2 and JAX-RS, of which the service has neither; it is
 * limited to what identity providers send.
 */
@NullMarked
package com.gptdesk.chat.service.scim;

import org.jspecify.annotations.NullMarked;
