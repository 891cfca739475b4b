# The gateway and what it needs to run, nothing else: no npm, no package manager's cache, no tests, no development
# dependencies. docs/deployment.md tells how it is run; test/structure/image.test.ts and test/e2e/image.test.ts hold it to that.

FROM node:22.23.3-trixie-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# No package needs its install script. Maps and types of packages are two fifths of their bytes, and nothing reads them.
RUN npm ci --omit=dev --ignore-scripts && find node_modules -type f -regex '.*[.]\(map\|d[.][cm]?ts\)' -delete

# glibc 2.41: both binaries of uWebSockets.js load here. Alpine's musl has neither.
FROM debian:13.5-slim
COPY --from=dependencies /usr/local/bin/node /usr/local/bin/node
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json LICENSE ./
COPY plugins ./plugins
COPY src ./src
COPY config/container.yaml /etc/sluice/gateway.yaml
ENV NODE_ENV=production NODE_OPTIONS=--disable-warning=ExperimentalWarning
# A number, so that an orchestrator can see that it is not root. No file of the image belongs to it.
USER 65532:65532
EXPOSE 8080
# The gateway drains on it. It is process 1 itself, in exec form: no shell stands between it and the signal.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 CMD ["node", "/app/src/cli/main.ts", "health"]
ENTRYPOINT ["node", "/app/src/cli/main.ts"]
CMD ["run", "--config", "/etc/sluice/gateway.yaml"]
