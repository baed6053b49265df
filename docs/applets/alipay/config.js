/* The only file to change: where the API is, and which entrance of its catalogue this mini program is. */
module.exports = {
  api: 'http://127.0.0.1:8000/api/v1',
  entrance: 'alipay-applet',
};
