# The image of the broker: docs/operations.md explains how to run it. Sessions, messages and users are in the volume /data.

FROM node:24-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN npm run build

FROM node:24-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:24-slim
ENV NODE_ENV=production
RUN groupadd --gid 1883 mqtt-jig \
  && useradd --uid 1883 --gid 1883 --home-dir /data --no-create-home --shell /usr/sbin/nologin mqtt-jig \
  && mkdir /data /etc/mqtt-jig /node_modules \
  && chown 1883:1883 /data
COPY --from=dependencies /app /app
COPY --from=build /build/dist /app/dist
COPY --from=build /build/bin /app/bin
COPY --from=build /build/LICENSE /app/
# Configs in any folder import the package by its name, and `mqtt-jig` is a command. The config that `init` writes is the default: a
# broker with users, which lets nobody in until one is added.
RUN ln -s /app /node_modules/mqtt-jig \
  && ln -s /app/bin/mqtt-jig.mjs /usr/local/bin/mqtt-jig \
  && mqtt-jig init /etc/mqtt-jig/system.config.mjs

USER 1883:1883
WORKDIR /data
VOLUME /data
# MQTT, MQTT over TLS, WebSocket, WebSocket over TLS; 18083 serves operators, by default within the container alone.
EXPOSE 1883 8883 8083 8084 18083
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD ["mqtt-jig", "health"]
ENTRYPOINT ["mqtt-jig"]
CMD ["start", "--config", "/etc/mqtt-jig/system.config.mjs"]
